-- Distinct members of a trailing window who are in the window just before too.
--
--   ends that see a member in the window        |---------------------|
--   ends that see it in the window before             |---------------------|     size later
--   retained                                          |---------------|
with wanted(measure, dimensions, number) as (values $wanted
), pane as (
    select distinct base_ms - base_ms % $slide as start_ms, number,
        array_to_string(labels, chr(31)) as key, member
    from base_member join wanted using (measure, dimensions)
), marked as (
    select *, coalesce(start_ms - lag(start_ms) over run > $size, true) as opens
    from pane
    window run as (partition by number, key, member order by start_ms)
), numbered as (
    select *, count_if(opens) over (partition by number, key, member order by start_ms) as run
    from marked
), span as (
    select number, key, member, min(start_ms) + $slide as from_ms,
        max(start_ms) + $slide + $size as to_ms
    from numbered group by number, key, member, run
), both_of as (
    select number, key, greatest(now.from_ms, before.from_ms + $size) as from_ms,
        least(now.to_ms, before.to_ms + $size) as to_ms
    from span now join span before using (number, key, member)
    where now.from_ms < before.to_ms + $size and before.from_ms + $size < now.to_ms
), step as (
    select from_ms as end_ms, number, key, 1 as amount from both_of
    union all
    select to_ms, number, key, -1 from both_of
), at_end as (
    select end_ms, number, key, sum(amount) as amount from step group by all
)
select end_ms, number, '' as component, key,
    cast(sum(amount) over (partition by number, key order by end_ms) as bigint) as amount
from at_end
qualify end_ms <= $final
