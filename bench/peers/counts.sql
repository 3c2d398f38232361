-- What the peers count, from the messages themselves: none of them has a read model. Inlined by the planner into whoever calls.
-- In the measured data a message is answered with the first version of its answer, and every organisation keeps Moscow's time.
-- Places with fewer than five messages are left out, as the hub does for whoever does not work there.
CREATE SCHEMA IF NOT EXISTS bench;

CREATE OR REPLACE VIEW bench.message_clock AS
SELECT m.id, m.organisation_code, m.status,
       m.status IN ('ANSWERED', 'SOLVED', 'CLOSED_UNSOLVED') AS is_answered,
       m.status NOT IN ('ANSWERED', 'SOLVED', 'CLOSED_UNSOLVED', 'REFUSED', 'WITHDRAWN') AS is_open,
       (a.observed_at AT TIME ZONE 'Europe/Moscow')::date - m.deadline_on AS days_late,
       m.deadline_on - (now() AT TIME ZONE 'Europe/Moscow')::date AS days_left
FROM public.message m LEFT JOIN public.answer a ON a.message_id = m.id AND a.version = 1;

CREATE OR REPLACE FUNCTION bench.counts_of(organisation_code text)
RETURNS TABLE (status text, count int, answered_in_time int, answered_late int, open_in_time int, open_near int, open_late int)
LANGUAGE sql STABLE AS $$
    SELECT c.status, count(*)::int,
           count(*) FILTER (WHERE c.is_answered AND c.days_late <= 0)::int, count(*) FILTER (WHERE c.is_answered AND c.days_late > 0)::int,
           count(*) FILTER (WHERE c.is_open AND c.days_left > 2)::int, count(*) FILTER (WHERE c.is_open AND c.days_left BETWEEN 0 AND 2)::int,
           count(*) FILTER (WHERE c.is_open AND c.days_left < 0)::int
    FROM public.organisation_above b JOIN bench.message_clock c ON c.organisation_code = b.organisation_code
    WHERE b.above_code = $1 GROUP BY c.status
$$;

CREATE OR REPLACE FUNCTION bench.counts_of_all()
RETURNS TABLE (status text, count int, answered_in_time int, answered_late int, open_in_time int, open_near int, open_late int)
LANGUAGE sql STABLE AS $$
    SELECT c.status, count(*)::int,
           count(*) FILTER (WHERE c.is_answered AND c.days_late <= 0)::int, count(*) FILTER (WHERE c.is_answered AND c.days_late > 0)::int,
           count(*) FILTER (WHERE c.is_open AND c.days_left > 2)::int, count(*) FILTER (WHERE c.is_open AND c.days_left BETWEEN 0 AND 2)::int,
           count(*) FILTER (WHERE c.is_open AND c.days_left < 0)::int
    FROM bench.message_clock c GROUP BY c.status
$$;

CREATE OR REPLACE FUNCTION bench.ratings_of_all()
RETURNS TABLE (answer_average float8, answer_count int, solution_average float8, solution_count int)
LANGUAGE sql STABLE AS $$
    SELECT round(avg(answer_rating), 2)::float8, count(*)::int, round(avg(solution_rating), 2)::float8, count(*)::int FROM public.verdict
$$;

CREATE OR REPLACE FUNCTION bench.hot_spots_of_all(how_many int)
RETURNS TABLE (category_name text, territory_name text, count int)
LANGUAGE sql STABLE AS $$
    WITH week AS (SELECT date_trunc('week', ((now() AT TIME ZONE 'Europe/Moscow')::date + 1)::timestamp) - interval '7 days' AS monday)
    SELECT c.name_ru, t.name_ru, hot.n
    FROM (
        SELECT m.category_code, m.territory_code, count(*)::int AS n
        FROM public.message m, week
        WHERE m.received_at >= week.monday AT TIME ZONE 'Europe/Moscow'
          AND m.received_at < (week.monday + interval '7 days') AT TIME ZONE 'Europe/Moscow'
        GROUP BY 1, 2 HAVING count(*) >= 5 ORDER BY 3 DESC, 1, 2 LIMIT $1
    ) AS hot
    JOIN public.category c ON c.code = hot.category_code JOIN public.territory t ON t.code = hot.territory_code
    ORDER BY hot.n DESC, hot.category_code, hot.territory_code
$$;
