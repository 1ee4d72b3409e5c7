"""``kpi demo``: the whole product on embedded servers, with seeded traffic."""
