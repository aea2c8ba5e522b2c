//! Cross-stage tests.
