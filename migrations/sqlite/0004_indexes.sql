-- calls_sid and calls_open have taken their place; each is a page less to write per report.
DROP INDEX calls_carrier;
DROP INDEX calls_unfinished;
