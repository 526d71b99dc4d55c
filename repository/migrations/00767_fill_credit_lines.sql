-- +goose Up
-- The contracts that were signed before there were lines get theirs, with what arrived, came back and is on its way. The line's
-- id is the application's with another version digit. Their notes are not made here: a schedule is not computed in SQL.
INSERT INTO credit_lines (application_id, id, branch_id, borrower_id, credit_limit, revolving, starts_on, ends_on, draw_min, draw_max,
  reserved, outstanding, overdrawn, drawn_total, taken_over_total, reversed_total, repaid_total, handed_over_total,
  notes_count, status, version, created_at, updated_at)
SELECT c.application_id, INSERT(c.application_id, 15, 1, '8'), c.branch_id, c.borrower_id, c.amount, p.revolving,
  c.signed_on, DATE_ADD(c.signed_on, INTERVAL c.term_months MONTH), 0.00, 0.00,
  COALESCE(t.reserved, 0.00), COALESCE(t.drawn - t.reversed, 0.00), 0.00, COALESCE(t.drawn, 0.00), 0.00, COALESCE(t.reversed, 0.00), 0.00, 0.00,
  0, IF(a.status = 'withdrawn', 'ended', 'live'), 1, c.recorded_at, c.recorded_at
FROM contracts c
JOIN applications a ON a.id = c.application_id
JOIN products p ON p.code = a.product_code
LEFT JOIN (
  SELECT application_id,
    SUM(IF(status = 'succeeded', amount, 0.00)) AS drawn,
    SUM(IF(status = 'succeeded', reversed_amount, 0.00)) AS reversed,
    SUM(IF(status IN ('requested','released','sending','unknown'), amount, 0.00)) AS reserved
  FROM transfers GROUP BY application_id
) t ON t.application_id = c.application_id
WHERE NOT EXISTS (SELECT 1 FROM credit_lines l WHERE l.application_id = c.application_id);
