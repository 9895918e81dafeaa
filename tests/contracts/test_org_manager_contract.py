"""What the application relies on in an OrgManager, from its side: names, arguments, answers, errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.org_manager import Organization, OrgManager, OrgUser, StaleOrganizationError

MakeManager = Callable[[], OrgManager]


@pytest.fixture(params=["files"])
def make_manager(request: pytest.FixtureRequest, tmp_path: Path) -> MakeManager:
    """Makes managers of one and the same store; a fake joins as another parameter."""
    makers: dict[str, MakeManager] = {"files": lambda: OrgManager(data_dir=str(tmp_path / "data"))}
    return makers[request.param]


@pytest.fixture
def manager(make_manager: MakeManager) -> OrgManager:
    return make_manager()


def test_a_new_organization_is_active_on_the_default_tier_and_has_no_members(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme Ltd")

    organization = manager.get_org(org_id)

    assert organization is not None
    assert org_id.startswith("org_")
    assert len(org_id) == len("org_") + 36
    assert (organization.id, organization.name) == (org_id, "Acme Ltd")
    assert (organization.plan_tier, organization.status) == ("founders_friend", "active")
    assert (organization.lago_customer_id, organization.stripe_customer_id) == (None, None)
    assert manager.get_org_users(org_id) == []


def test_the_name_is_stripped_and_the_tier_is_free_text(manager: OrgManager) -> None:
    org_id = manager.create_organization("  Acme Ltd ", plan_tier="a tier of 2031")

    organization = manager.get_org(org_id)

    assert organization is not None
    assert (organization.name, organization.plan_tier) == ("Acme Ltd", "a tier of 2031")


def test_creation_times_are_naive_and_mean_utc(manager: OrgManager) -> None:
    organization = manager.get_org(manager.create_organization("Acme"))

    assert organization is not None
    assert organization.created_at.tzinfo is None
    assert abs(datetime.now(UTC).replace(tzinfo=None) - organization.created_at) < timedelta(seconds=30)


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_a_blank_name_is_refused(manager: OrgManager, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be empty"):
        manager.create_organization(name)
    assert manager.list_all_organizations() == []


def test_a_name_of_two_hundred_characters_is_taken_and_a_longer_one_refused(manager: OrgManager) -> None:
    manager.create_organization("x" * 200)

    with pytest.raises(ValueError, match="name"):
        manager.create_organization("y" * 201)

    assert len(manager.list_all_organizations()) == 1


def test_the_same_name_in_another_letter_case_is_refused(manager: OrgManager) -> None:
    manager.create_organization("Acme Ltd")

    with pytest.raises(ValueError, match="already exists"):
        manager.create_organization("ACME LTD")

    assert len(manager.list_all_organizations()) == 1


def test_an_unknown_organization_is_none_and_has_no_members(manager: OrgManager) -> None:
    assert manager.get_org("org_none") is None
    assert manager.get_org_users("org_none") == []
    assert manager.get_user_role_in_org("org_none", "user_1") is None


def test_changes_of_an_unknown_organization_answer_false(manager: OrgManager) -> None:
    assert manager.update_org_plan("org_none", "starter") is False
    assert manager.update_org_status("org_none", "suspended") is False
    assert manager.update_org_billing_ids("org_none", lago_id="lago_1") is False
    assert manager.add_user_to_org("org_none", "user_1") is False
    assert manager.remove_user_from_org("org_none", "user_1") is False
    assert manager.update_user_role("org_none", "user_1", "owner") is False


def test_organizations_are_listed_in_the_order_they_were_made(manager: OrgManager) -> None:
    ids = [manager.create_organization(name) for name in ("Zeta", "Alpha", "Mu")]

    assert [organization.id for organization in manager.list_all_organizations()] == ids


def test_search_finds_part_of_a_name_in_any_letter_case(manager: OrgManager) -> None:
    for name in ("Acme Ltd", "The ACME", "Beta"):
        manager.create_organization(name)

    assert [found.name for found in manager.search_organizations("aCm")] == ["Acme Ltd", "The ACME"]
    assert manager.search_organizations("gamma") == []


def test_organizations_of_a_tier_are_those_on_exactly_that_tier(manager: OrgManager) -> None:
    manager.create_organization("Acme", "starter")
    manager.create_organization("Beta", "starter_plus")

    assert [found.name for found in manager.get_organizations_by_plan("starter")] == ["Acme"]


def test_the_tier_is_changed_and_others_stay(manager: OrgManager) -> None:
    acme, beta = manager.create_organization("Acme"), manager.create_organization("Beta")

    assert manager.update_org_plan(acme, "enterprise") is True

    assert {found.id: found.plan_tier for found in manager.list_all_organizations()} == {
        acme: "enterprise",
        beta: "founders_friend",
    }


@pytest.mark.parametrize("status", ["active", "suspended", "deleted"])
def test_the_status_is_changed_to_any_word_of_the_vocabulary(manager: OrgManager, status: str) -> None:
    org_id = manager.create_organization("Acme")

    assert manager.update_org_status(org_id, status) is True

    organization = manager.get_org(org_id)
    assert organization is not None
    assert organization.status == status


def test_an_unknown_status_is_refused_with_the_allowed_ones(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")

    with pytest.raises(ValueError, match="Status must be one of: active, suspended, deleted"):
        manager.update_org_status(org_id, "paused")

    organization = manager.get_org(org_id)
    assert organization is not None
    assert organization.status == "active"


def test_a_billing_id_that_is_none_is_left_as_it_was(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")

    assert manager.update_org_billing_ids(org_id, lago_id="lago_1") is True
    assert manager.update_org_billing_ids(org_id, stripe_id="cus_1") is True

    organization = manager.get_org(org_id)
    assert organization is not None
    assert (organization.lago_customer_id, organization.stripe_customer_id) == ("lago_1", "cus_1")


def test_a_change_with_the_expected_values_is_made(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme", "enterprise")

    assert manager.update_org_plan(org_id, "starter", expected={"plan_tier": "enterprise", "status": "active"}) is True

    organization = manager.get_org(org_id)
    assert organization is not None
    assert organization.plan_tier == "starter"


def test_a_change_of_an_organization_that_is_not_as_expected_is_stale_and_names_what_differs(
    manager: OrgManager,
) -> None:
    org_id = manager.create_organization("Acme", "enterprise")

    with pytest.raises(StaleOrganizationError) as caught:
        manager.update_org_plan(org_id, "starter", expected={"plan_tier": "trial", "status": "active"})

    assert (caught.value.org_id, caught.value.expected) == (org_id, {"plan_tier": "trial"})
    assert caught.value.found == {"plan_tier": "enterprise"}
    organization = manager.get_org(org_id)
    assert organization is not None
    assert organization.plan_tier == "enterprise"


def test_an_expected_organization_that_is_not_there_is_stale(manager: OrgManager) -> None:
    with pytest.raises(StaleOrganizationError) as caught:
        manager.update_org_status("org_none", "suspended", expected={"status": "active"})
    assert caught.value.found is None


def test_expecting_a_field_that_does_not_exist_is_an_error_of_the_caller(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")

    with pytest.raises(ValueError, match="tier is none of"):
        manager.update_org_plan(org_id, "starter", expected={"tier": "trial"})


def test_members_are_listed_with_role_and_time_in_the_order_they_joined(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")

    assert manager.add_user_to_org(org_id, "user_2", role="owner") is True
    assert manager.add_user_to_org(org_id, "user_1") is True

    members = manager.get_org_users(org_id)
    assert [(member.org_id, member.user_id, member.role) for member in members] == [
        (org_id, "user_2", "owner"),
        (org_id, "user_1", "member"),
    ]
    assert all(member.joined_at.tzinfo is None for member in members)


def test_a_member_cannot_join_twice(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")
    manager.add_user_to_org(org_id, "user_1")

    with pytest.raises(ValueError, match="already in organization"):
        manager.add_user_to_org(org_id, "user_1", role="owner")

    assert manager.get_user_role_in_org(org_id, "user_1") == "member"


def test_an_unknown_role_is_refused_with_the_allowed_ones(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")
    manager.add_user_to_org(org_id, "user_1")

    with pytest.raises(ValueError, match="Role must be one of: owner, member, billing_admin"):
        manager.add_user_to_org(org_id, "user_2", role="admin")
    with pytest.raises(ValueError, match="Role must be one of: owner, member, billing_admin"):
        manager.update_user_role(org_id, "user_1", "admin")

    assert [member.role for member in manager.get_org_users(org_id)] == ["member"]


def test_a_members_role_is_changed(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")
    manager.add_user_to_org(org_id, "user_1")
    manager.add_user_to_org(org_id, "user_2")

    assert manager.update_user_role(org_id, "user_2", "billing_admin") is True
    assert manager.update_user_role(org_id, "user_3", "owner") is False

    assert manager.get_user_role_in_org(org_id, "user_1") == "member"
    assert manager.get_user_role_in_org(org_id, "user_2") == "billing_admin"
    assert manager.get_user_role_in_org(org_id, "user_3") is None


def test_a_member_is_removed_and_the_others_stay(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")
    for user_id in ("user_1", "user_2", "user_3"):
        manager.add_user_to_org(org_id, user_id)

    assert manager.remove_user_from_org(org_id, "user_2") is True
    assert manager.remove_user_from_org(org_id, "user_2") is False

    assert [member.user_id for member in manager.get_org_users(org_id)] == ["user_1", "user_3"]


def test_a_users_organizations_are_those_it_is_a_member_of(manager: OrgManager) -> None:
    acme, beta, _ = (manager.create_organization(name) for name in ("Acme", "Beta", "Gamma"))
    manager.add_user_to_org(acme, "user_1")
    manager.add_user_to_org(beta, "user_1")
    manager.add_user_to_org(beta, "user_12")

    assert [found.id for found in manager.get_user_orgs("user_1")] == [acme, beta]
    assert manager.get_user_orgs("user_2") == []


def test_what_a_method_returns_is_a_copy(manager: OrgManager) -> None:
    org_id = manager.create_organization("Acme")

    organization = manager.get_org(org_id)
    assert organization is not None
    organization.plan_tier = "enterprise"

    again = manager.get_org(org_id)
    assert again is not None
    assert again.plan_tier == "founders_friend"


def test_another_manager_of_the_same_store_sees_everything(make_manager: MakeManager) -> None:
    first = make_manager()
    org_id = first.create_organization("Acme", "starter")
    first.add_user_to_org(org_id, "user_1", "owner")

    second = make_manager()

    assert second.get_org(org_id) == first.get_org(org_id)
    assert second.get_org_users(org_id) == first.get_org_users(org_id)


def test_organizations_made_by_many_threads_at_once_are_all_there(manager: OrgManager) -> None:
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda i=i: ids.append(manager.create_organization(f"Company {i}"))) for i in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(ids)) == 10
    assert {found.id for found in manager.list_all_organizations()} == set(ids)


def test_a_batch_is_seen_by_its_own_reads_and_written_at_its_end(make_manager: MakeManager) -> None:
    manager = make_manager()
    acme = manager.create_organization("Acme")

    with manager.batch():
        beta = manager.create_organization("Beta")
        manager.update_org_plan(acme, "starter")
        manager.add_user_to_org(beta, "user_1")
        assert [found.plan_tier for found in manager.list_all_organizations()] == ["starter", "founders_friend"]
        assert [found.id for found in manager.get_user_orgs("user_1")] == [beta]

    other = make_manager()
    assert [found.plan_tier for found in other.list_all_organizations()] == ["starter", "founders_friend"]
    assert [member.user_id for member in other.get_org_users(beta)] == ["user_1"]


def test_a_batch_that_raises_writes_nothing(manager: OrgManager) -> None:
    acme = manager.create_organization("Acme")

    def fail() -> None:
        with manager.batch():
            manager.update_org_plan(acme, "starter")
            manager.create_organization("Beta")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()

    assert [(found.name, found.plan_tier) for found in manager.list_all_organizations()] == [
        ("Acme", "founders_friend")
    ]


def test_a_stale_fix_in_a_batch_leaves_the_others_of_the_batch(manager: OrgManager) -> None:
    acme, beta = manager.create_organization("Acme"), manager.create_organization("Beta")

    with manager.batch():
        manager.update_org_plan(acme, "starter")
        with pytest.raises(StaleOrganizationError):
            manager.update_org_plan(beta, "starter", expected={"plan_tier": "trial"})

    assert [found.plan_tier for found in manager.list_all_organizations()] == ["starter", "founders_friend"]


def test_a_snapshot_holds_all_organizations_in_order_and_its_version_tells_a_change(manager: OrgManager) -> None:
    acme, beta = manager.create_organization("Acme"), manager.create_organization("Beta")

    before = manager.snapshot()
    again = manager.snapshot()
    manager.update_org_plan(acme, "starter")
    after = manager.snapshot()

    assert list(before.organizations) == [acme, beta]
    assert len(before.organizations) == 2
    assert before.organizations[acme].plan_tier == "founders_friend"
    assert after.organizations[acme].plan_tier == "starter"
    assert before.version == again.version != after.version
    assert before.invalid == ()
    with pytest.raises(KeyError):
        before.organizations["org_none"]


def test_models_are_built_by_keyword_and_dumped_both_ways() -> None:
    made = Organization(id="org_1", name="Acme", created_at=datetime(2025, 10, 13, 2, 12, 33))  # noqa: DTZ001 # naive is the store's form
    member = OrgUser(org_id="org_1", user_id="user_1", role="owner", joined_at=made.created_at)

    assert (
        made.dict()
        == made.model_dump()
        == {
            "id": "org_1",
            "name": "Acme",
            "created_at": made.created_at,
            "plan_tier": "founders_friend",
            "lago_customer_id": None,
            "stripe_customer_id": None,
            "status": "active",
        }
    )
    assert list(made.dict()) == [
        "id",
        "name",
        "created_at",
        "plan_tier",
        "lago_customer_id",
        "stripe_customer_id",
        "status",
    ]
    assert list(member.dict().items()) == [
        ("org_id", "org_1"),
        ("user_id", "user_1"),
        ("role", "owner"),
        ("joined_at", made.created_at),
    ]


def test_models_ignore_fields_they_do_not_know_and_can_be_changed() -> None:
    made = Organization.model_validate({"id": "org_1", "name": "Acme", "seats": 3})

    made.status = "whatever"

    assert made.status == "whatever"
    assert "seats" not in made.dict()


def test_models_refuse_what_the_application_refuses() -> None:
    with pytest.raises(ValueError, match="Status must be one of: active, suspended, deleted"):
        Organization(id="org_1", name="Acme", status="paused")
    with pytest.raises(ValueError, match="Role must be one of: owner, member, billing_admin"):
        OrgUser(org_id="org_1", user_id="user_1", role="admin")
    with pytest.raises(ValueError, match="org_"):
        Organization(id="acme", name="Acme")
    for name in ("", " ", "x" * 201):
        with pytest.raises(ValueError, match="name"):
            Organization(id="org_1", name=name)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2025-10-13 02:12:33.123456", 123456),
        ("2025-10-13 02:12:33", 0),
        ("2025-10-13T02:12:33.123456", 123456),
        ("2025-10-13T02:12:33Z", 0),
        ("2025-10-13T04:12:33+02:00", 0),
    ],
)
def test_times_are_read_in_both_spellings_and_mean_utc(text: str, microsecond: int) -> None:
    made = Organization.model_validate_json(json.dumps({"id": "org_1", "name": "Acme", "created_at": text}))

    assert made.created_at == datetime(2025, 10, 13, 2, 12, 33, microsecond)  # noqa: DTZ001 # naive is the store's form
