-- +goose Up
-- What became of each row of a list. The number is a person's identity number or an organisation's credit code, as the kind
-- says; of a refused row nothing is kept but where it stands and why.
CREATE TABLE recommended_entries (
  list_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  row_no        INT NOT NULL,
  outcome       VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason        VARCHAR(1000) NOT NULL,
  kind          VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name          VARCHAR(100) NOT NULL,
  number_cipher VARBINARY(100) NOT NULL,
  number_index  BINARY(32) NULL,
  village_code  VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (list_id, row_no),
  KEY ix_recommended_entries_number (number_index),
  CONSTRAINT fk_recommended_entries_list FOREIGN KEY (list_id) REFERENCES recommended_lists (id),
  CONSTRAINT ck_recommended_entries_outcome CHECK (outcome IN ('accepted','already_known','refused')),
  CONSTRAINT ck_recommended_entries_number CHECK ((outcome = 'refused') = (number_index IS NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
