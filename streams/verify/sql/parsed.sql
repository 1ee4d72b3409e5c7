-- JSON into texts and kinds of the fields of interest. DuckDB's reader is looser than JSON
-- (NaN, trailing commas), keeps the first of two equal keys where the last counts, and rounds
-- long numbers: such rows are marked `loose` and settled by strict.py.
create or replace table parsed as
with bodies as (
    select topic, part, off, recorded_ms, octet_length(value) as bytes,
           try(decode(value)) as body
    from log
    where (topic, part, off) not in (select topic, part, off from record)
), valid as (
    select *, coalesce(json_valid(body), false) as is_json from bodies
), objects as (
    select * replace (case when is_json then body end as body),
           coalesce(json_type(case when is_json then body end) = 'OBJECT', false) as is_object
    from valid
)
select *,
       is_json and (
           regexp_matches(body, '[:\[,]\s*-?[0-9.eE+-]{16,}')
           or regexp_matches(body, ',\s*[}\]]|[:\[,]\s*[+-]?([nN][aA][nN]|[iI]nf)')
           or (is_object and len(json_keys(body)) <> len(list_distinct(json_keys(body))))
       ) as loose
from objects;
