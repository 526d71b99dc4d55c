-- +goose Up
-- The history of report schedules: append-only. A version is made once.
CREATE TABLE report_schedule_events (
  schedule_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version     INT NOT NULL,
  branch_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  action      VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status      VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  detail      VARCHAR(300) NOT NULL,
  actor_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name  VARCHAR(100) NOT NULL,
  actor_role  VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at          DATETIME(6) NOT NULL,
  PRIMARY KEY (schedule_id, version),
  CONSTRAINT fk_report_schedule_events_schedule FOREIGN KEY (schedule_id) REFERENCES report_schedules (id),
  CONSTRAINT ck_report_schedule_events_status CHECK (status IN ('active','paused','stopped','ended'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
