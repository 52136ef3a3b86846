//! People and organisations: sign-up, identity levels, sealed personal data.
