-- +goose Up
-- For whom an approver stood in (转授权), and why an approval goes beyond what was asked or what the rules allow (例外审批).
ALTER TABLE applications
  ADD COLUMN approved_on_behalf_of CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN approved_override_reason VARCHAR(500) NOT NULL DEFAULT '';
