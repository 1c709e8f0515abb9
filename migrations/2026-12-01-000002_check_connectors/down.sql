DROP TABLE checks, check_runs, check_schedules;
