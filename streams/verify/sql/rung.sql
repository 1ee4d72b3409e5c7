-- Panes of one rung: base panes added up.
select $start as start_ms, measure, component, dimensions, array_to_string(labels, chr(31)) as key,
    cast(sum(amount) as bigint) as amount
from $panes
where measure in ($measures)
group by all
having sum(amount) <> 0
