-- Distinct members over a trailing window: a member is in every window whose end is in one of its
-- spans; spans that touch are one. A shifted window sees everything later.
--
--   panes with the member    |--|   |--|              |--|
--   ends that see it            |---- size ----|
--                                      |---- size ----|  |---- size ----|
--   spans                       |---------------------|  |--------------|
with wanted(measure, dimensions, number) as (values $wanted
), pane as (
    select distinct base_ms - base_ms % $slide + $shift as start_ms, number,
        array_to_string(labels, chr(31)) as key, member
    from base_member join wanted using (measure, dimensions)
), marked as (
    select *, coalesce(start_ms - lag(start_ms) over run > $size, true) as opens,
        coalesce(lead(start_ms) over run - start_ms > $size, true) as ends
    from pane
    window run as (partition by number, key, member order by start_ms)
), step as (
    select start_ms + $slide as end_ms, number, key, 1 as amount from marked where opens
    union all
    select start_ms + $slide + $size, number, key, -1 from marked where ends
    union all  -- panes that come and go without changing the count are compared too
    select unnest([start_ms + $slide, start_ms + $slide + $size]), number, key, 0
    from pane
), at_end as (
    select end_ms, number, key, sum(amount) as amount from step group by all
)
select end_ms, number, '' as component, key,
    cast(sum(amount) over (partition by number, key order by end_ms) as bigint) as amount
from at_end
qualify end_ms <= $final
