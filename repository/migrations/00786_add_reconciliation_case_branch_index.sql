-- +goose Up
-- For the report of exceptions, which goes branch by branch.
ALTER TABLE reconciliation_cases ADD KEY ix_reconciliation_cases_branch (branch_id, opened_at);
