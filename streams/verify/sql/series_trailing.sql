-- A measure over a trailing window, at every end where a pane comes in or leaves.
--
--   pane             |--|
--   ends that see it    |---- size ----|        in at start + slide, out at start + slide + size
with pane as (
    select base_ms - base_ms % $slide as start_ms, component,
        array_to_string(labels, chr(31)) as key, sum(amount) as amount
    from base_cell
    where measure = $measure and dimensions = $dimensions
    group by all
), step as (
    select start_ms + $slide as end_ms, component, key, amount from pane
    union all
    select start_ms + $slide + $size, component, key, -amount from pane
), at_end as (
    select end_ms, component, key, sum(amount) as amount from step group by all
)
select end_ms, component, key,
    cast(sum(amount) over (partition by component, key order by end_ms) as bigint) as amount
from at_end
qualify end_ms <= $final
