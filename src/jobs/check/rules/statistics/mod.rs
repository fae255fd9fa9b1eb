//! What the planner knows of the tables.

use super::judges;

judges! {
    never_analyzed, analyze_stale, parent_without_statistics, impossible_row_count,
    expression_without_statistics, view_without_statistics, unfilled_statistics,
}
