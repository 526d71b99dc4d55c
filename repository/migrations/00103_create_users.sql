-- +goose Up
CREATE TABLE users (
  id                 CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  username           VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  display_name       VARCHAR(50)  NOT NULL,
  role               VARCHAR(30)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id          CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  password_hash      VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  password_temporary BOOLEAN      NOT NULL,
  deactivated_at     DATETIME(6)  NULL,
  version            INT          NOT NULL,
  created_at         DATETIME(6)  NOT NULL,
  updated_at         DATETIME(6)  NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_users_username UNIQUE (username),
  KEY ix_users_branch (branch_id, id),
  CONSTRAINT fk_users_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT ck_users_role CHECK (role IN ('loan_officer','approver','disbursement_officer','auditor','admin'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
