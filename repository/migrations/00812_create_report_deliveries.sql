-- +goose Up
-- One run of a schedule: the export of its day, and the way of the file to its destination. The unique key is what lets many
-- nodes make one. due_at is when a worker may take it up; while one has it, the end of its lease; absent at the end. turn is
-- the fence: each time it is taken up it grows, and who has an older one writes nothing.
CREATE TABLE report_deliveries (
  id           CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  schedule_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  business_day DATE NOT NULL,
  destination  VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  job_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  status       VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  turn         INT NOT NULL,
  attempts     INT NOT NULL,
  last_error   VARCHAR(300) NOT NULL,
  location     VARCHAR(500) NOT NULL,
  due_at       DATETIME(6) NULL,
  lease_owner  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  created_at   DATETIME(6) NOT NULL,
  queued_at    DATETIME(6) NOT NULL,
  delivered_at DATETIME(6) NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_report_deliveries_day UNIQUE (schedule_id, business_day),
  KEY ix_report_deliveries_schedule (schedule_id, id),
  KEY ix_report_deliveries_due (due_at),
  CONSTRAINT fk_report_deliveries_schedule FOREIGN KEY (schedule_id) REFERENCES report_schedules (id),
  CONSTRAINT fk_report_deliveries_job FOREIGN KEY (job_id) REFERENCES jobs (id),
  CONSTRAINT ck_report_deliveries_status CHECK (status IN ('exporting','pending','delivered','failed')),
  CONSTRAINT ck_report_deliveries_due CHECK ((status IN ('exporting','pending')) = (due_at IS NOT NULL)),
  CONSTRAINT ck_report_deliveries_job CHECK (status NOT IN ('pending','delivered') OR job_id IS NOT NULL),
  CONSTRAINT ck_report_deliveries_delivered CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
