-- Base panes: one integer a measure, component, dimension set, labels and pane of 10 s.
create or replace table base_cell (
    measure varchar, component varchar, dimensions varchar, labels varchar[], base_ms bigint,
    amount hugeint
);
-- Distinct counts: who was there, by base pane.
create or replace table base_member (
    measure varchar, dimensions varchar, labels varchar[], base_ms bigint, member varchar
);
create or replace table bucket (bound_ms bigint, number integer);
