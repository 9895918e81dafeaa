"use strict";
(() => {
  const ROWS = 50, MOST_PRINTED = 2000;
  const byId = (id) => document.getElementById(id);
  const make = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    if (text !== undefined && text !== null) element.textContent = String(text);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  async function read() {
    const plain = byId("data");
    if (plain) return JSON.parse(plain.textContent);
    const bytes = Uint8Array.from(atob(byId("packed").textContent), (each) => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function start(data) {
    const at = Object.fromEntries(data.columns.map((key, place) => [key, place]));
    const money = new Set(["leak", "owed", "overbilled", "variance", "at_risk", "overdue", "accrued"]);
    const numbers = new Set([...money, "age_days", "runs_seen"]);
    const LONGEST_NAME = 60;
    const severities = ["critical", "high", "medium", "low", "info"];
    const ages = ["0-1 d", "2-7 d", "8-30 d", "31-60 d", "61-90 d", "over 90 d"];
    const heads = [...document.querySelectorAll("#list thead th")];
    const body = document.querySelector("#list tbody");
    const searched = ["code", "org_id", "org_name", "text", "drift_id", "has_tier", "due_tier"].map((key) => at[key]);
    const texts = data.rows.map((row) => searched.map((place) => row[place] ?? "").join("\n").toLowerCase());
    let order = data.rows.map((_, number) => number), shown = order, page = 0;
    let sorted = null, descending = false;
    const opened = new Set();

    function amount(minor, currency) {
      const decimals = data.decimals[currency] ?? 2;
      const digits = String(Math.abs(minor)).padStart(decimals + 1, "0");
      const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
      const part = decimals ? "." + digits.slice(-decimals) : "";
      return (minor < 0 ? "-" : "") + whole + part + " " + currency.toUpperCase();
    }
    function said(row, key) {
      const value = row[at[key]];
      if (value === null) return "";
      if (money.has(key)) return value === 0 ? "" : amount(value, row[at.currency]);
      if (key === "effective_at" || key === "first_seen") return value.slice(0, 16).replace("T", " ") + " UTC";
      return numbers.has(key) ? value.toLocaleString("en") : value;
    }
    const rank = (key, value) => key === "severity" ? severities.indexOf(value) : value;
    function compare(one, other) {
      const left = data.rows[one][at[sorted]], right = data.rows[other][at[sorted]];
      if (left === null || right === null) return (left === null) - (right === null);
      if (money.has(sorted)) {
        // Amounts of two currencies are never compared: they stand in groups.
        const a = data.rows[one][at.currency], b = data.rows[other][at.currency];
        if (a !== b) return a < b ? -1 : 1;
      }
      const a = rank(sorted, left), b = rank(sorted, right);
      const way = typeof a === "number" ? a - b : a.localeCompare(b, "en");
      return descending ? -way : way;
    }

    function leaves(value) {
      if (Array.isArray(value)) {
        if (value.every((each) => each === null || typeof each !== "object")) return make("span", value.join(", ") || "none");
        const list = make("div");
        value.forEach((each) => list.append(leaves(each)));
        return list;
      }
      if (value !== null && typeof value === "object") {
        const list = make("dl");
        for (const [key, inner] of Object.entries(value)) {
          const told = make("dd"), isAmount = key === "monthly" && Number.isInteger(inner) && value.currency;
          told.append(isAmount ? amount(inner, value.currency) : leaves(inner));
          list.append(make("dt", key), told);
        }
        return list;
      }
      return make("span", value === null ? "none" : value);
    }
    function details(number) {
      const row = data.rows[number], list = make("dl");
      const add = (name, content) => {
        if (content === "" || content === null || content === undefined) return;
        const told = make("dd");
        told.append(content instanceof Node ? content : String(content));
        list.append(make("dt", name), told);
      };
      const state = (side) => [said(row, side + "_tier"), said(row, side + "_status")].filter(Boolean).join(", ");
      add("What it is", said(row, "text"));
      add("Remedy", said(row, "remedy"));
      add("Why decided so", said(row, "reason"));
      add("Stopped by", said(row, "blocked_by"));
      add("Fix", [said(row, "fix"), said(row, "fate")].filter(Boolean).join(": "));
      add("Organisation", [said(row, "org_id"), said(row, "org_name")].filter(Boolean).join(", "));
      add("Has", state("has"));
      add("Is due", state("due"));
      for (const key of ["variance", "at_risk", "overdue"]) add(key.replace("_", " "), said(row, key));
      add("In effect since", said(row, "effective_at"));
      add("First seen", said(row, "first_seen"));
      add("Runs seen", said(row, "runs_seen"));
      for (const [key, name] of [["stripe_link", "Stripe"], ["lago_link", "Lago"]]) {
        const address = row[at[key]];
        if (address && /^https?:\/\//.test(address)) {
          add(name, make("a", "Open in " + name, { href: address, target: "_blank", rel: "noopener noreferrer" }));
        }
      }
      add("Drift", said(row, "drift_id"));
      add("Evidence", leaves(data.evidence[number]));
      return list;
    }
    function lines(number) {
      const row = data.rows[number], line = make("tr"), open = opened.has(number);
      heads.forEach((head, place) => {
        const key = head.dataset.key, cell = make("td", undefined, { "data-label": head.dataset.label });
        if (numbers.has(key)) cell.className = "number";
        if (place === 0) {
          const opener = make("button", said(row, key), { type: "button", class: "opener", "aria-expanded": String(open) });
          opener.addEventListener("click", () => {
            opened.has(number) ? opened.delete(number) : opened.add(number);
            draw();
            body.querySelector(`[data-number="${number}"] .opener`)?.focus();
          });
          cell.append(opener);
        } else {
          const text = said(row, key);
          const isName = key === "org_name";
          cell.textContent = isName && text.length > LONGEST_NAME ? [...text].slice(0, LONGEST_NAME).join("") + "…" : text;
          if (!numbers.has(key)) cell.className = isName ? "name" : "plain";
          if (key === "severity") cell.classList.add(row[at[key]]);
        }
        line.append(cell);
      });
      line.dataset.number = number;
      if (!open) return [line];
      const more = make("tr", undefined, { class: "opened" }), cell = make("td", undefined, { colspan: heads.length });
      cell.append(details(number));
      more.append(cell);
      return [line, more];
    }
    function draw(first = page * ROWS, last = first + ROWS) {
      body.replaceChildren(...shown.slice(first, last).flatMap(lines));
      const pages = Math.max(1, Math.ceil(shown.length / ROWS));
      byId("page").textContent = `Page ${page + 1} of ${pages}`;
      byId("previous").disabled = page === 0;
      byId("next").disabled = page + 1 >= pages;
      const all = data.rows.length.toLocaleString("en");
      const cut = last - first > ROWS && shown.length > last ? ` The first ${last.toLocaleString("en")} are printed.` : "";
      byId("count").textContent = (shown.length === data.rows.length ? `${all} in all.` : `${shown.length.toLocaleString("en")} of ${all}.`) + cut;
    }
    function filter() {
      const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = [...document.querySelectorAll("[data-filter]")].filter((each) => each.value !== "");
      shown = order.filter((number) =>
        wanted.every((each) => (data.rows[number][at[each.dataset.filter]] ?? "none") === each.value) &&
        words.every((word) => texts[number].includes(word)));
      page = 0;
      draw();
    }

    for (const head of heads) {
      const button = make("button", head.textContent, { type: "button" });
      head.dataset.label = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const key = head.dataset.key;
        descending = sorted === key ? !descending : numbers.has(key);
        sorted = key;
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        order = data.rows.map((_, number) => number).sort((one, other) => compare(one, other) || one - other);
        filter();
      });
    }
    for (const select of document.querySelectorAll("[data-filter]")) {
      const key = select.dataset.filter;
      const found = [...new Set(data.rows.map((row) => row[at[key]] ?? "none"))];
      const place = (value) => key === "age" ? ages.indexOf(value) : key === "severity" ? severities.indexOf(value) : 0;
      found.sort((one, other) => place(one) - place(other) || one.localeCompare(other, "en"));
      found.forEach((value) => select.append(make("option", value, { value })));
      select.addEventListener("change", filter);
    }
    byId("search").addEventListener("input", filter);
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("filters").addEventListener("reset", () => setTimeout(filter));
    byId("previous").addEventListener("click", () => { page -= 1; draw(); });
    byId("next").addEventListener("click", () => { page += 1; draw(); });
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll("details:not([open])")];
      closed.forEach((each) => { each.open = true; });
      draw(0, MOST_PRINTED);
    });
    addEventListener("afterprint", () => {
      closed.forEach((each) => { each.open = false; });
      draw();
    });
    document.querySelectorAll(".needs-script").forEach((each) => { each.hidden = false; });
    filter();
    document.documentElement.dataset.ready = "yes";
  }

  read().then(start).catch((error) => { document.documentElement.dataset.ready = "no"; console.error(error); });
})();
