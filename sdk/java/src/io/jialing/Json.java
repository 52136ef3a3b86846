package io.jialing;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON as Java's own values: {@code Map}, {@code List}, {@code String}, {@code Long}, {@code Double}, {@code
 * Boolean} and {@code null}. The platform's library reads none. Strict as RFC 8259 is; members that come twice
 * and texts nested deeper than 64 are refused.
 */
public final class Json {
  private static final int DEEPEST = 64;

  /** The text is not JSON. */
  public static final class NotJsonException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    NotJsonException(String why) {
      super(why);
    }
  }

  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  /** Reads one value. */
  public static Object read(String text) {
    Json json = new Json(text);
    Object value = json.value(0);
    json.space();
    if (json.at < text.length()) {
      throw json.fault("more after the value");
    }
    return value;
  }

  /** Reads an object. */
  @SuppressWarnings("unchecked")
  public static Map<String, Object> readObject(String text) {
    if (read(text) instanceof Map<?, ?> object) {
      return (Map<String, Object>) object;
    }
    throw new NotJsonException("not an object");
  }

  private NotJsonException fault(String why) {
    return new NotJsonException(why + " at " + at);
  }

  private void space() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  /** The next character that is no space, and past it. */
  private char next() {
    space();
    if (at >= text.length()) {
      throw fault("it ends too soon");
    }
    return text.charAt(at++);
  }

  private Object value(int depth) {
    if (depth > DEEPEST) {
      throw fault("nested too deeply");
    }
    char first = next();
    return switch (first) {
      case '{' -> object(depth);
      case '[' -> list(depth);
      case '"' -> string();
      case 't' -> word("true", Boolean.TRUE);
      case 'f' -> word("false", Boolean.FALSE);
      case 'n' -> word("null", null);
      default -> number();
    };
  }

  private Object word(String word, Object value) {
    if (!text.startsWith(word, at - 1)) {
      throw fault("an unknown word");
    }
    at += word.length() - 1;
    return value;
  }

  private Map<String, Object> object(int depth) {
    Map<String, Object> object = new LinkedHashMap<>();
    for (char sign = next(); sign != '}'; sign = next()) {
      if (!object.isEmpty()) {
        require(sign, ',');
        sign = next();
      }
      require(sign, '"');
      String name = string();
      require(next(), ':');
      Object value = value(depth + 1);
      if (object.containsKey(name)) {
        throw fault("the member " + name + " comes twice");
      }
      object.put(name, value);
    }
    return object;
  }

  private List<Object> list(int depth) {
    List<Object> list = new ArrayList<>();
    for (char sign = next(); sign != ']'; sign = next()) {
      if (list.isEmpty()) {
        at--;
      } else {
        require(sign, ',');
      }
      list.add(value(depth + 1));
    }
    return list;
  }

  private void require(char found, char expected) {
    if (found != expected) {
      throw fault("not " + expected);
    }
  }

  private String string() {
    StringBuilder out = new StringBuilder();
    while (true) {
      if (at >= text.length()) {
        throw fault("a text without end");
      }
      char one = text.charAt(at++);
      if (one == '"') {
        return out.toString();
      }
      if (one < ' ') {
        throw fault("a control character in a text");
      }
      out.append(one == '\\' ? escaped() : one);
    }
  }

  private char escaped() {
    if (at >= text.length()) {
      throw fault("a text without end");
    }
    char one = text.charAt(at++);
    int known = "\"\\/bfnrt".indexOf(one);
    if (known >= 0) {
      return "\"\\/\b\f\n\r\t".charAt(known);
    }
    if (one != 'u' || at + 4 > text.length() || !text.substring(at, at + 4).matches("[0-9A-Fa-f]{4}")) {
      throw fault("an unknown escape");
    }
    at += 4;
    return (char) Integer.parseInt(text.substring(at - 4, at), 16);
  }

  private Object number() {
    int from = --at;
    while (at < text.length() && "+-.0123456789Ee".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    String digits = text.substring(from, at);
    if (!digits.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
      throw fault("not a value");
    }
    if (digits.matches("-?[0-9]{1,18}")) {
      return Long.valueOf(digits);
    }
    return Double.valueOf(digits);
  }

  /** Writes a value, without spaces. */
  public static String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(out, value);
    return out.toString();
  }

  private static void write(StringBuilder out, Object value) {
    if (value == null || value instanceof Boolean || value instanceof Integer || value instanceof Long) {
      out.append(value);
    } else if (value instanceof String text) {
      quote(out, text);
    } else if (value instanceof Map<?, ?> object) {
      Iterator<? extends Map.Entry<?, ?>> members = object.entrySet().iterator();
      out.append('{');
      while (members.hasNext()) {
        Map.Entry<?, ?> member = members.next();
        quote(out, String.valueOf(member.getKey()));
        out.append(':');
        write(out, member.getValue());
        out.append(members.hasNext() ? "," : "");
      }
      out.append('}');
    } else if (value instanceof List<?> list) {
      Iterator<?> items = list.iterator();
      out.append('[');
      while (items.hasNext()) {
        write(out, items.next());
        out.append(items.hasNext() ? "," : "");
      }
      out.append(']');
    } else {
      throw new NotJsonException("no JSON is made of " + value.getClass());
    }
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"');
    for (char one : text.toCharArray()) {
      if (one == '"' || one == '\\') {
        out.append('\\').append(one);
      } else if (one < ' ') {
        out.append(String.format("\\u%04x", (int) one));
      } else {
        out.append(one);
      }
    }
    out.append('"');
  }
}
