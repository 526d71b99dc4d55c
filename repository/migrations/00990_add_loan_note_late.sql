-- +goose Up
-- The instalments that were late, and until when: only lateness of the last 24 months counts in a decision.
ALTER TABLE loan_notes
  ADD COLUMN late JSON NULL AFTER days_past_due_max;
