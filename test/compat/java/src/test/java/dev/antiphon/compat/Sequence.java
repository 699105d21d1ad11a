package dev.antiphon.compat;

import com.uber.cadence.HistoryEvent;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A pattern over the event types of a history, in the notation of the Go suite: names with the operators of regular expressions (A?, A*, (A|B), A{2}), and names that
 * stand for common pieces.
 */
final class Sequence {
  private static final Map<String, String> PIECES =
      Map.of(
          "Begin", "WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskCompleted",
          "Decide", "DecisionTaskScheduled DecisionTaskStarted DecisionTaskCompleted",
          "ActivityOK", "ActivityTaskScheduled ActivityTaskStarted ActivityTaskCompleted",
          "Complete", "WorkflowExecutionCompleted");
  private static final Pattern WORD = Pattern.compile("[A-Za-z]+");

  private Sequence() {}

  static boolean matches(String pattern, List<HistoryEvent> events) {
    String whole = WORD.matcher(pattern).replaceAll(name -> PIECES.containsKey(name.group()) ? "(" + PIECES.get(name.group()) + ")" : name.group());
    String expression = WORD.matcher(whole).replaceAll("(?:$0;)").replace(" ", "");
    return Pattern.matches(expression, events.stream().map(e -> e.getEventType() + ";").collect(Collectors.joining()));
  }

  static String names(List<HistoryEvent> events) {
    return events.stream().map(e -> e.getEventId() + " " + e.getEventType()).collect(Collectors.joining("\n  ", "\n  ", "\n"));
  }
}
