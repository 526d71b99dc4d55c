-- +goose Up
-- A column *_cipher holds personal data under the table, the column and the row's id; the blind index beside it finds
-- equal values without showing them.
CREATE TABLE households (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  village_code   VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address_cipher VARBINARY(1000) NOT NULL,
  head_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  property       JSON NOT NULL,
  changes        JSON NOT NULL,
  ended_on       DATE NULL,
  version        INT NOT NULL,
  created_at     DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY ix_households_branch (branch_id, id),
  KEY ix_households_village (village_code, id),
  CONSTRAINT fk_households_branch FOREIGN KEY (branch_id) REFERENCES branches (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
