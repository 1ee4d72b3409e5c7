-- A measure since the beginning: what came in never leaves.
with wanted(measure, dimensions, number) as (values $wanted
), at_end as (
    select base_ms - base_ms % $slide + $shift + $slide as end_ms, number, component,
        array_to_string(labels, chr(31)) as key, sum(amount) as amount
    from base_cell join wanted using (measure, dimensions)
    group by all
)
select end_ms, number, component, key,
    cast(sum(amount) over (partition by number, component, key order by end_ms) as bigint) as amount
from at_end
qualify end_ms <= $final
