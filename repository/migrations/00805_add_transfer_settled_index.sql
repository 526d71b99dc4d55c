-- +goose Up
-- For reports: what was paid at a branch in a period.
ALTER TABLE transfers ADD KEY ix_transfers_branch_settled (branch_id, settled_at, id);
