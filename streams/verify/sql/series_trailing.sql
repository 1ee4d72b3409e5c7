-- A measure over a trailing window, at every end where a pane comes in or leaves. A shifted window
-- sees everything later.
--
--   pane             |--|
--   ends that see it    |---- size ----|        in at start + slide, out at start + slide + size
with wanted(measure, dimensions, number) as (values $wanted
), pane as (
    select base_ms - base_ms % $slide + $shift as start_ms, number, component,
        array_to_string(labels, chr(31)) as key, sum(amount) as amount
    from base_cell join wanted using (measure, dimensions)
    group by all
), step as (
    select start_ms + $slide as end_ms, number, component, key, amount from pane
    union all
    select start_ms + $slide + $size, number, component, key, -amount from pane
), at_end as (
    select end_ms, number, component, key, sum(amount) as amount from step group by all
)
select end_ms, number, component, key,
    cast(sum(amount) over (partition by number, component, key order by end_ms) as bigint) as amount
from at_end
qualify end_ms <= $final
