-- +goose Up
-- Who stands in for whom, and when (转授权).
CREATE TABLE authority_delegations (
  id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  from_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  to_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  starts_on  DATE NOT NULL,
  ends_on    DATE NOT NULL,
  reason     VARCHAR(200) NOT NULL,
  made_by    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  made_at    DATETIME(6) NOT NULL,
  revoked_by CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  revoked_at DATETIME(6) NULL,
  version    INT NOT NULL,
  PRIMARY KEY (id),
  KEY ix_authority_delegations_from (from_id, ends_on),
  KEY ix_authority_delegations_to (to_id, ends_on),
  KEY ix_authority_delegations_branch (branch_id, id),
  CONSTRAINT fk_authority_delegations_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT ck_authority_delegations_two_people CHECK (from_id <> to_id),
  CONSTRAINT ck_authority_delegations_days CHECK (ends_on >= starts_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
