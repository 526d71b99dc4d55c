-- +goose Up
-- For reports: the requests to guarantee companies of a branch, in order.
ALTER TABLE guarantees ADD KEY ix_guarantees_requested (branch_id, requested_at, id);
