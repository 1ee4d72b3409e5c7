-- What keyed figures conclude, net of everything that was taken back: one row a fact.
create or replace table fact (
    topic varchar not null,
    part integer not null,
    type varchar not null,
    ts bigint not null,             -- the pane it falls in
    known_off bigint not null,      -- the record that brought it about, for the order of admission
    due_ms bigint,                  -- where the watermark brought it about: its timer
    dimensions_off bigint not null, -- the event whose dimensions it carries
    fallback_off bigint,            -- the event that fills in what that one leaves empty
    gone boolean,                   -- taken back: only the labels that it brought are left
    home integer,                   -- whose budget of labels it is in, where that is not part's
    weight integer,                 -- -1: one less; null: one
    duration_ms bigint,
    micro bigint,
    known integer,                  -- of readings: 1 at the first of its kind
    quantity bigint,                -- of items
    audience varchar,               -- of sessions
    step varchar,                   -- of funnels
    touch varchar,                  -- of touches: click or visit
    number integer,                 -- of items: which of the purchase's
    product varchar,
    category varchar,
    currency varchar                -- of attributed purchases
);
create or replace table refused (topic varchar, part integer, off bigint);
