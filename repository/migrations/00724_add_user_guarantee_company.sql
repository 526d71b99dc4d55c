-- +goose Up
ALTER TABLE users
  ADD COLUMN guarantee_company_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER branch_id,
  ADD CONSTRAINT fk_users_guarantee_company FOREIGN KEY (guarantee_company_id) REFERENCES guarantee_companies (id);
