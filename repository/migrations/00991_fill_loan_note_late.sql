-- +goose Up
-- Of older notes only the longest lateness is known; it counts from the end of the loan, or from what last changed it.
UPDATE loan_notes SET late = IF(days_past_due_max = 0, '[]',
  CONCAT('[{"days": ', days_past_due_max, ', "until": "', DATE_FORMAT(COALESCE(settled_on, updated_at), '%Y-%m-%d'), '"}]'));
