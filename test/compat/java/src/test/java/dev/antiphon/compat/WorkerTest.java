package dev.antiphon.compat;

import static dev.antiphon.compat.Scenario.ofType;
import static dev.antiphon.compat.Scenario.only;
import static dev.antiphon.compat.Scenario.result;
import static dev.antiphon.compat.Scenario.steps;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.uber.cadence.DescribeTaskListRequest;
import com.uber.cadence.EventType;
import com.uber.cadence.HistoryEvent;
import com.uber.cadence.ResetWorkflowExecutionRequest;
import com.uber.cadence.TaskList;
import com.uber.cadence.TaskListKind;
import com.uber.cadence.TaskListType;
import com.uber.cadence.WorkflowExecution;
import com.uber.cadence.client.WorkflowClientOptions;
import com.uber.cadence.client.WorkflowFailureException;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.common.WorkflowExecutionHistory;
import com.uber.cadence.context.ContextPropagator;
import com.uber.cadence.testing.WorkflowReplayer;
import com.uber.cadence.worker.NonDeterministicWorkflowPolicy;
import com.uber.cadence.worker.WorkerFactory;
import com.uber.cadence.worker.WorkflowImplementationOptions;
import com.uber.cadence.workflow.Workflow;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Workers: the sticky cache, restarts, replay, reset, headers, pollers. */
@ExtendWith(Scenario.Extension.class)
class WorkerTest {
  private static Contracts.Code twoSteps(AtomicInteger beginnings) {
    return (self, input) -> {
      beginnings.incrementAndGet();
      return steps().step("one") + " " + steps().step("two");
    };
  }

  private static List<String> decisionLists(List<HistoryEvent> events) {
    return ofType(events, EventType.DecisionTaskScheduled).stream().map(e -> e.getDecisionTaskScheduledEventAttributes().getTaskList().getName()).toList();
  }

  @Test
  void aStickyWorkerRunsTheCodeOnce(Scenario s) {
    AtomicInteger beginnings = new AtomicInteger();
    s.activities((Contracts.Step) input -> input).flow(twoSteps(beginnings)).work();
    WorkflowStub run = s.start("");
    assertEquals("one two", result(run));
    List<HistoryEvent> events = s.expectHistory(run, "Begin (ActivityOK Decide){2} Complete");
    assertEquals(1, beginnings.get());
    assertEquals(s.taskList, decisionLists(events).get(0));
    assertNotEquals(s.taskList, decisionLists(events).get(1), "the second decision went to the worker's own list");
  }

  @Test
  void withoutCacheEachDecisionReplaysTheCode(Scenario s) {
    AtomicInteger beginnings = new AtomicInteger();
    s.activities((Contracts.Step) input -> input).flow(twoSteps(beginnings)).work(o -> o.setDisableStickyExecution(true));
    WorkflowStub run = s.start("");
    assertEquals("one two", result(run));
    List<HistoryEvent> events = s.expectHistory(run, "Begin (ActivityOK Decide){2} Complete");
    assertEquals(3, beginnings.get());
    assertEquals(List.of(s.taskList, s.taskList, s.taskList), decisionLists(events), "all decisions came through the normal list");
  }

  @Test
  void aSecondWorkerGoesOnWhereTheFirstStopped(Scenario s) {
    s.activities((Contracts.Step) input -> "stepped");
    s.flow((self, input) -> {
      String before = steps().step("");
      Workflow.await(() -> !self.told.isEmpty());
      return before + " and " + self.told.get(0);
    });
    WorkerFactory first = s.work(o -> o.setStickyTaskScheduleToStartTimeout(Duration.ofSeconds(1)));
    WorkflowStub run = s.start("");
    Scenario.until("the activity is done", () -> ofType(s.history(run.getExecution()), EventType.DecisionTaskCompleted).size() == 2);
    Scenario.stop(first);
    run.signal("tell", "told");
    s.work();
    assertEquals("stepped and told", result(run));
    s.expectHistory(
        run,
        "Begin ActivityOK Decide WorkflowExecutionSignaled (DecisionTaskScheduled DecisionTaskStarted? DecisionTaskTimedOut)? Decide Complete");
  }

  public static final class Replayed implements Contracts.Flow {
    @Override
    public String run(String input) {
      int version = Workflow.getVersion("change", Workflow.DEFAULT_VERSION, 1);
      Workflow.sleep(Duration.ofSeconds(1));
      return steps().step(input) + version;
    }

    @Override
    public void tell(String word) {}

    @Override
    public String state() {
      return "";
    }
  }

  public static final class Changed implements Contracts.Flow {
    @Override
    public String run(String input) {
      return steps().step(input);
    }

    @Override
    public void tell(String word) {}

    @Override
    public String state() {
      return "";
    }
  }

  @Test
  void aDownloadedHistoryReplaysWithItsCodeAndNoOther(Scenario s) throws Exception {
    s.activities((Contracts.Step) input -> input);
    s.flow((self, input) -> new Replayed().run(input)).work();
    WorkflowStub run = s.start("v");
    assertEquals("v1", result(run));
    WorkflowExecutionHistory history = new WorkflowExecutionHistory(Scenario.history(run.getExecution()));
    WorkflowReplayer.replayWorkflowExecution(history, Replayed.class);
    assertThrows(Throwable.class, () -> WorkflowReplayer.replayWorkflowExecution(history, Changed.class));
  }

  @Test
  void codeThatChangedFailsItsRunsWhereThePolicySaysSo(Scenario s) {
    s.implementation =
        new WorkflowImplementationOptions.Builder().setNonDeterministicWorkflowPolicy(NonDeterministicWorkflowPolicy.FailWorkflow).build();
    s.flow((self, input) -> {
      Workflow.sleep(Duration.ofSeconds(1));
      Workflow.await(() -> !self.told.isEmpty());
      return "old";
    });
    WorkerFactory old = s.work(o -> o.setDisableStickyExecution(true));
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.TimerFired);
    Scenario.until("the timer's decision is done", () -> ofType(s.history(run.getExecution()), EventType.DecisionTaskCompleted).size() == 2);
    Scenario.stop(old);
    s.replaceFlow((self, input) -> steps().step("new"));
    s.work(o -> o.setDisableStickyExecution(true));
    run.signal("tell", "go");
    assertThrows(WorkflowFailureException.class, () -> result(run));
    s.expectHistory(run, "Begin TimerStarted TimerFired Decide WorkflowExecutionSignaled Decide WorkflowExecutionFailed");
  }

  @Test
  void aResetRunsAgainFromADecisionAndKeepsLaterSignals(Scenario s) {
    s.activities((Contracts.Step) input -> input);
    s.flow((self, input) -> {
      String first = steps().step(input);
      Workflow.await(() -> self.told.size() >= 2);
      return first + " " + String.join(" ", self.told);
    }).work();
    WorkflowStub run = s.start("began");
    run.signal("tell", "a");
    run.signal("tell", "b");
    assertEquals("began a b", result(run));
    HistoryEvent decision = ofType(s.history(run.getExecution()), EventType.DecisionTaskCompleted).get(0);
    String again =
        Server.SERVICE
            .ResetWorkflowExecution(
                new ResetWorkflowExecutionRequest()
                    .setDomain(Server.DOMAIN)
                    .setWorkflowExecution(run.getExecution())
                    .setReason("once more")
                    .setDecisionFinishEventId(decision.getEventId())
                    .setRequestId(UUID.randomUUID().toString()))
            .getRunId();
    WorkflowExecution reset = new WorkflowExecution().setWorkflowId(run.getExecution().getWorkflowId()).setRunId(again);
    assertEquals("began a b", result(s.existing(reset)));
    List<HistoryEvent> events = s.history(reset);
    var failed = only(events, EventType.DecisionTaskFailed).getDecisionTaskFailedEventAttributes();
    assertEquals("RESET_WORKFLOW", failed.getCause().name());
    assertEquals(run.getExecution().getRunId(), failed.getBaseRunId());
    assertEquals(2, ofType(events, EventType.WorkflowExecutionSignaled).size());
  }

  /** Carries one string from the caller's thread to the workflow's. */
  static final class Word implements ContextPropagator {
    static final ThreadLocal<String> CURRENT = new ThreadLocal<>();

    @Override
    public String getName() {
      return "word";
    }

    @Override
    public Map<String, byte[]> serializeContext(Object context) {
      return context == null ? Map.of() : Map.of("word", context.toString().getBytes());
    }

    @Override
    public Object deserializeContext(Map<String, byte[]> context) {
      return context.containsKey("word") ? new String(context.get("word")) : null;
    }

    @Override
    public Object getCurrentContext() {
      return CURRENT.get();
    }

    @Override
    public void setCurrentContext(Object context) {
      CURRENT.set((String) context);
    }

    @Override
    public void unsetCurrentContext() {
      CURRENT.remove();
    }
  }

  @Test
  void headersReachTheWorkflowAndItsActivity(Scenario s) {
    s.client = Scenario.client(WorkflowClientOptions.newBuilder().setContextPropagators(List.of(new Word())));
    s.activities((Contracts.Step) input -> input + " " + Word.CURRENT.get());
    s.flow((self, input) -> steps().step(Word.CURRENT.get() + "")).work();
    Word.CURRENT.set("carried");
    WorkflowStub run = s.start("", o -> o.setContextPropagators(List.of(new Word())));
    Word.CURRENT.remove();
    assertEquals("carried carried", result(run));
    var started = s.history(run.getExecution()).get(0).getWorkflowExecutionStartedEventAttributes();
    assertEquals("carried", new String(started.getHeader().getFields().get("word")));
  }

  @Test
  void twoWorkersShareATaskList(Scenario s) {
    s.flow((self, input) -> input);
    s.work();
    s.work();
    List<WorkflowStub> runs = java.util.stream.IntStream.range(0, 10).mapToObj(i -> s.start(String.valueOf(i))).toList();
    for (int i = 0; i < 10; i++) assertEquals(String.valueOf(i), result(runs.get(i)));
  }

  @Test
  void aTaskListKnowsItsPollers(Scenario s) {
    s.flow((self, input) -> input).work();
    assertEquals("polled", result(s.start("polled")));
    var described =
        Server.SERVICE.DescribeTaskList(
            new DescribeTaskListRequest()
                .setDomain(Server.DOMAIN)
                .setTaskList(new TaskList().setName(s.taskList).setKind(TaskListKind.NORMAL))
                .setTaskListType(TaskListType.Decision)
                .setIncludeTaskListStatus(true));
    assertEquals("compat-java", described.getPollers().get(0).getIdentity());
    assertEquals(0, described.getTaskListStatus().getBacklogCountHint());
  }
}
