-- One fault a record, or none, in the documented order: size, JSON, types and fields, time,
-- amounts, identity, items.
create or replace table judged as
with fields as (
    select topic, part, off, recorded_ms, bytes, is_json, is_object, type_kind, type,
           $columns
    from (
        select * exclude (body),
               json_extract_string(body, ['$$.type'$paths]) as texts,
               json_type(body, ['$$.type'$paths]) as kinds,
               texts[1] as type, kinds[1] as type_kind
        from parsed
    )
), timed as (
    select * exclude (ts),
        case
            when ts_kind <> 'VARCHAR' then try_cast(ts as bigint)
            when regexp_full_match(ts, '\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?'
                || '([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)')
            then epoch_us(try_cast(substr(ts, 1, 10) || ' ' || substr(ts, 12, 8) as timestamp))
                    // 1000
                + cast(rpad(substr(regexp_extract(ts, '\.(\d+)', 1), 1, 3), 3, '0') as bigint)
                - case when regexp_matches(ts, '[Zz]') then 0
                       else 60000 * (cast(ts[-6] || '1' as bigint)
                            * (60 * cast(ts[-5:-4] as bigint) + cast(ts[-2:] as bigint))) end
        end as ts,
        $wrong_type as wrong_type, $wrong_amount as wrong_amount, $missing as missing
    from fields
), items_of as (
    select topic, part, off, bool_or(wrong_type) as wrong_item,
        bool_or(wrong_amount) as wrong_item_amount, bool_or(faulty) as faulty_item
    from item group by topic, part, off
)
select topic, part, off, type, ts, $kept,
    case when $has_amount and is_sound(value) then cast(amount(value) * 1000000 as bigint)
         else 0 end as micro,
    case
        when bytes is null then 'invalid_json'
        when bytes > getvariable('record_bytes_max') then 'too_large'
        when not is_json then 'invalid_json'
        when not is_object then 'wrong_type'
        when type_kind is null then 'missing_field'
        when type_kind <> 'VARCHAR' then 'wrong_type'
        when not ($known) then 'unknown_type'
        when wrong_type or wrong_item then 'wrong_type'
        when wrong_amount or wrong_item_amount then 'invalid_amount'
        when missing then 'missing_field'
        when ts is null or ts < 0 or ts >= 7258118400000 then 'invalid_timestamp'  -- year 2200
        when recorded_ms >= 0 and ts - recorded_ms > getvariable('far_future_ms') then 'far_future'
        when recorded_ms >= 0 and recorded_ms - ts > getvariable('retention_ms')
            then 'before_retention'
        when $has_amount and not is_sound(value) then 'invalid_amount'
        when quantity is not null and not is_quantity(quantity) then 'invalid_amount'
        when $needs_identity and coalesce(visitor_id, '') = '' and coalesce(customer_id, '') = ''
            and coalesce(recipient_id, '') = '' then 'missing_identity'
        when faulty_item then 'invalid_amount'
    end as fault
from timed left join items_of using (topic, part, off);
