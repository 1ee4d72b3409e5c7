-- Distinct members by pane of one rung.
select $start as start_ms, measure, dimensions, array_to_string(labels, chr(31)) as key,
    count(distinct member) as amount
from $panes
where measure in ($measures)
group by all
