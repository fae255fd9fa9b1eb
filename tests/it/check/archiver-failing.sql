-- finds: archive_command
-- setting: archive_mode = on
-- setting: archive_command = false
SELECT pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal();
-- good
