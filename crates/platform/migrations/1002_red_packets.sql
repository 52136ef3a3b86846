-- Red packets. What the sender wrote and the token of the link are sealed under the platform's key ring.
CREATE TABLE red_packets (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    -- The sender's own number of it: the natural key for ever.
    out_packet_no TEXT NOT NULL,
    wallet TEXT NOT NULL,
    -- SINGLE, EQUAL, LUCKY
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    shares BIGINT NOT NULL,
    greeting BLOB,
    -- A keyed hash of how the sender named who may open it, and who that is; NULL for anyone.
    payee_hash TEXT,
    for_person TEXT,
    -- The link's token: a keyed hash to find it by, and the token itself for its sender.
    token_hash TEXT NOT NULL UNIQUE,
    token BLOB NOT NULL,
    digest BLOB NOT NULL,
    -- ACCEPTED, OPEN, EMPTY, RETURNING, RETURNED, FAIL
    state TEXT NOT NULL,
    problem TEXT,
    created_at BIGINT NOT NULL,
    -- When its money was last tried to be moved, there or back.
    tried_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    record_seq BIGINT,
    -- What goes or went back to the sender, and to which wallet.
    returned BIGINT NOT NULL,
    return_wallet TEXT,
    return_seq BIGINT,
    UNIQUE (person, out_packet_no)
);
CREATE INDEX red_packets_by_person ON red_packets (person, id);
CREATE INDEX red_packets_by_state ON red_packets (state, expires_at);

-- The shares, decided when the packet was made, in the order in which they are handed out.
CREATE TABLE red_packet_shares (
    id TEXT PRIMARY KEY,
    packet TEXT NOT NULL,
    place BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    -- FREE, PROCESSING, SUCCESS, RETURNED
    state TEXT NOT NULL,
    person TEXT,
    wallet TEXT,
    claimed_at BIGINT,
    tried_at BIGINT NOT NULL,
    record_seq BIGINT,
    UNIQUE (packet, place),
    -- Nobody takes two.
    UNIQUE (packet, person)
);
CREATE INDEX red_packet_shares_by_person ON red_packet_shares (person, id);
CREATE INDEX red_packet_shares_by_state ON red_packet_shares (state, tried_at);
