//! Privileges, passwords and row security.

use super::judges;

judges! {
    public_create, superuser_function_search_path, definer_function_search_path, remote_trust, md5_password,
    superuser_login, row_security_without_policy, policy_without_row_security, view_around_row_security,
    unencrypted_sessions,
}
