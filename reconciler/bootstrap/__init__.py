"""Makes the real things that passes and commands stand on, from settings and environment; the only place that does."""
