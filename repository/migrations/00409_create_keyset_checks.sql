-- +goose Up
-- A known text sealed and indexed under the keyset that the personal data of this database is kept under: one row, by which
-- a node with another keyset notices before it registers anybody a second time.
CREATE TABLE keyset_checks (
  number      TINYINT NOT NULL,
  sealed      VARBINARY(255) NOT NULL,
  blind_index BINARY(32) NOT NULL,
  CONSTRAINT pk_keyset_checks PRIMARY KEY (number),
  CONSTRAINT ck_keyset_checks_single CHECK (number = 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
