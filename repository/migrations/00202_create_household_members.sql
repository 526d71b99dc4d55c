-- +goose Up
-- Every stay of a person in a household, past ones too, in the order in which they were recorded. While a stay has no end,
-- present_id_number_index repeats the index of the number: so the database itself keeps a person in one household at a time.
CREATE TABLE household_members (
  household_id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position                SMALLINT NOT NULL,
  id                      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name                    VARCHAR(100) NOT NULL,
  id_number_cipher        VARBINARY(100) NOT NULL,
  id_number_index         BINARY(32) NULL,
  present_id_number_index BINARY(32) NULL,
  relation                VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  joined_on               DATE NOT NULL,
  left_on                 DATE NULL,
  anonymised_at           DATETIME(6) NULL,
  PRIMARY KEY (household_id, position),
  CONSTRAINT uk_household_members_present UNIQUE (present_id_number_index),
  KEY ix_household_members_id_number (id_number_index),
  CONSTRAINT fk_household_members_household FOREIGN KEY (household_id) REFERENCES households (id),
  CONSTRAINT ck_household_members_relation CHECK (relation IN ('head','spouse','child','parent','sibling','grandchild','grandparent','child_in_law','other')),
  CONSTRAINT ck_household_members_present CHECK (left_on IS NULL OR present_id_number_index IS NULL)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
