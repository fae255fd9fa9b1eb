-- A broker's next five appointments.
-- OptimizedQueriesService.getDashboardData, upcomingAppointments.
-- Served by idx_appointments_user_date.
SELECT id, title, start_datetime
FROM appointments
WHERE user_id = md5('user-7')::UUID::TEXT
    AND start_datetime >= now() AT TIME ZONE 'UTC'
ORDER BY start_datetime ASC
LIMIT 5;
