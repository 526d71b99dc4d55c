-- +goose Up
-- Which stored rule set judged, and what the rules alone said, before the limits on exposure: a replay compares with that,
-- without opening the whole outcome.
ALTER TABLE decisions
  ADD COLUMN rule_set_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN rule_set_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN rules_result VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN rules_amount DECIMAL(18,2) NOT NULL DEFAULT 0,
  ADD KEY ix_decisions_decided (decided_at, id);
