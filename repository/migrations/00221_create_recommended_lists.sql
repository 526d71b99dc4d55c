-- +goose Up
-- A recommended list as a branch imported it. It is never changed; the same file makes one list of a branch.
CREATE TABLE recommended_lists (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  list_no            VARCHAR(64) NOT NULL,
  issuer             VARCHAR(100) NOT NULL,
  listed_on          DATE NOT NULL,
  valid_until        DATE NULL,
  format             VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  encoding           VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  file_sha256        BINARY(32) NOT NULL,
  rows_accepted      INT NOT NULL,
  rows_already_known INT NOT NULL,
  rows_refused       INT NOT NULL,
  imported_by        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  imported_by_name   VARCHAR(100) NOT NULL,
  imported_at        DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_recommended_lists_file UNIQUE (branch_id, file_sha256),
  KEY ix_recommended_lists_branch (branch_id, id),
  CONSTRAINT fk_recommended_lists_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT ck_recommended_lists_format CHECK (format IN ('csv','xlsx')),
  CONSTRAINT ck_recommended_lists_encoding CHECK (encoding IN ('utf-8','gb18030')),
  CONSTRAINT ck_recommended_lists_validity CHECK (valid_until IS NULL OR valid_until >= listed_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
