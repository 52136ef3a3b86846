package io.jialing;

import java.util.Map;
import java.util.Optional;

/**
 * An event, checked and opened.
 *
 * @param id the same id again is the same event, delivered again
 * @param type what happened, such as {@code order.paid}
 * @param createdAt when, RFC 3339
 * @param apiVersion the version of the shape of {@code resource}
 * @param objectVersion grows per object
 * @param resource the object as it was then; null for a merchant without an API key
 * @param href where to read the event, signed, when it was not sent along
 */
public record Notice(
    String id,
    String type,
    String createdAt,
    String apiVersion,
    long objectVersion,
    Map<String, Object> resource,
    Optional<String> href) {}
