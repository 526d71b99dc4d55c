-- +goose Up
ALTER TABLE users ADD CONSTRAINT ck_users_guarantee_company CHECK ((role = 'guarantee_officer') = (guarantee_company_id IS NOT NULL));
