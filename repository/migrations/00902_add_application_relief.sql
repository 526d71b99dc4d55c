-- +goose Up
-- The industry with a lower price that the account manager confirmed, and on what basis. Empty: nobody has looked; 'none': none.
ALTER TABLE applications
  ADD COLUMN relief_industry VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' AFTER bureau_confirmation_no,
  ADD COLUMN relief_basis VARCHAR(200) NOT NULL DEFAULT '' AFTER relief_industry;
