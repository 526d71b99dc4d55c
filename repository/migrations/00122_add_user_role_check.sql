-- +goose Up
ALTER TABLE users ADD CONSTRAINT ck_users_role CHECK (role IN
  ('loan_officer','approver','risk_manager','disbursement_officer','branch_manager','guarantee_officer','auditor','admin'));
