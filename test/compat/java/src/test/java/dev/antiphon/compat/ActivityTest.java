package dev.antiphon.compat;

import static dev.antiphon.compat.Scenario.activity;
import static dev.antiphon.compat.Scenario.only;
import static dev.antiphon.compat.Scenario.result;
import static dev.antiphon.compat.Scenario.steps;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.uber.cadence.EventType;
import com.uber.cadence.HistoryEvent;
import com.uber.cadence.TimeoutType;
import com.uber.cadence.WorkflowExecution;
import com.uber.cadence.activity.Activity;
import com.uber.cadence.client.ActivityCancelledException;
import com.uber.cadence.client.ActivityCompletionClient;
import com.uber.cadence.client.ActivityNotExistsException;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.common.RetryOptions;
import com.uber.cadence.workflow.ActivityFailureException;
import com.uber.cadence.workflow.ActivityTimeoutException;
import com.uber.cadence.workflow.Async;
import com.uber.cadence.workflow.CancellationScope;
import com.uber.cadence.workflow.Promise;
import com.uber.cadence.workflow.Saga;
import com.uber.cadence.workflow.Workflow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Activities: results, retries, heartbeats, timeouts, cancellation, completion from outside. */
@ExtendWith(Scenario.Extension.class)
class ActivityTest {
  private static RetryOptions retries(int attempts) {
    return new RetryOptions.Builder().setInitialInterval(Duration.ofSeconds(1)).setBackoffCoefficient(1).setMaximumAttempts(attempts).build();
  }

  @Test
  void anActivityReturnsItsResult(Scenario s) {
    s.activities((Contracts.Step) input -> "stepped " + input);
    s.flow((self, input) -> steps().step(input)).work();
    WorkflowStub run = s.start("once");
    assertEquals("stepped once", result(run));
    HistoryEvent scheduled = only(s.expectHistory(run, "Begin ActivityOK Decide Complete"), EventType.ActivityTaskScheduled);
    assertEquals("step", scheduled.getActivityTaskScheduledEventAttributes().getActivityType().getName());
  }

  @Test
  void severalArgumentsArriveAsTheyWereGiven(Scenario s) {
    s.activities((Contracts.Join) (left, right) -> left + right);
    s.flow((self, input) -> Workflow.newActivityStub(Contracts.Join.class, activity(o -> {})).join(input, 7)).work();
    WorkflowStub run = s.start("x");
    assertEquals("x7", result(run));
    var scheduled = only(s.history(run.getExecution()), EventType.ActivityTaskScheduled).getActivityTaskScheduledEventAttributes();
    assertEquals("Join::join", scheduled.getActivityType().getName());
    assertEquals("[\"x\",7]", new String(scheduled.getInput()));
  }

  @Test
  void activitiesRunInParallel(Scenario s) {
    s.activities((Contracts.Step) input -> input + input);
    s.flow((self, input) -> {
      List<Promise<String>> all = new ArrayList<>();
      for (String each : List.of("a", "b", "c")) all.add(Async.function(steps()::step, each));
      Promise.allOf(all).get();
      return all.stream().map(Promise::get).collect(Collectors.joining());
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("aabbcc", result(run));
    s.expectHistory(
        run,
        "Begin ActivityTaskScheduled{3} (ActivityTaskStarted | ActivityTaskCompleted | DecisionTaskScheduled | DecisionTaskStarted | DecisionTaskCompleted)+ Complete");
  }

  @Test
  void aFailingActivityIsRetriedOutsideOfTheHistory(Scenario s) {
    AtomicInteger attempts = new AtomicInteger();
    s.activities((Contracts.Step) input -> {
      if (Activity.getTask().getAttempt() < 2) throw new IllegalStateException("attempt " + attempts.getAndIncrement());
      return "attempt " + Activity.getTask().getAttempt();
    });
    s.flow((self, input) -> steps(o -> o.setRetryOptions(retries(5))).step(input)).work();
    WorkflowStub run = s.start("");
    assertEquals("attempt 2", result(run));
    var started = only(s.expectHistory(run, "Begin ActivityOK Decide Complete"), EventType.ActivityTaskStarted).getActivityTaskStartedEventAttributes();
    assertEquals(2, started.getAttempt());
    assertEquals("java.lang.IllegalStateException", started.getLastFailureReason());
    assertEquals(2, attempts.get());
  }

  @Test
  void exhaustedRetriesEndInTheLastFailure(Scenario s) {
    s.activities((Contracts.Step) input -> {
      throw new IllegalStateException("attempt " + Activity.getTask().getAttempt());
    });
    s.flow((self, input) -> {
      try {
        return steps(o -> o.setRetryOptions(retries(2))).step(input);
      } catch (ActivityFailureException e) {
        return e.getCause().getClass().getSimpleName() + ": " + e.getCause().getMessage();
      }
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("IllegalStateException: attempt 1", result(run));
    s.expectHistory(run, "Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskFailed Decide Complete");
  }

  @Test
  void aTypeThatMustNotBeRetriedIsNot(Scenario s) {
    AtomicInteger attempts = new AtomicInteger();
    s.activities((Contracts.Step) input -> {
      attempts.incrementAndGet();
      throw new IllegalArgumentException("never again");
    });
    RetryOptions retries = retries(5).addDoNotRetry(IllegalArgumentException.class);
    s.flow((self, input) -> {
      try {
        return steps(o -> o.setRetryOptions(retries)).step(input);
      } catch (ActivityFailureException e) {
        return e.getCause().getMessage();
      }
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("never again", result(run));
    assertEquals(1, attempts.get());
    var scheduled = only(s.history(run.getExecution()), EventType.ActivityTaskScheduled).getActivityTaskScheduledEventAttributes();
    assertEquals(List.of("java.lang.IllegalArgumentException"), scheduled.getRetryPolicy().getNonRetriableErrorReasons());
  }

  @Test
  void theNextAttemptResumesFromTheHeartbeat(Scenario s) {
    s.activities((Contracts.Step) input -> {
      int from = Activity.getHeartbeatDetails(Integer.class).orElse(0);
      for (int i = from; i < 5; i++) {
        Activity.heartbeat(i + 1);
        // The client sends the first heartbeat at once and the next ones later.
        if (from == 0) throw new IllegalStateException("lost after " + (i + 1));
      }
      return "resumed from " + from;
    });
    s.flow((self, input) -> steps(o -> o.setRetryOptions(retries(3)).setHeartbeatTimeout(Duration.ofSeconds(5))).step(input)).work();
    WorkflowStub run = s.start("");
    assertEquals("resumed from 1", result(run));
    s.expectHistory(run, "Begin ActivityOK Decide Complete");
  }

  @Test
  void anActivityTimesOutAfterItsStart(Scenario s) {
    s.activities((Contracts.Step) input -> {
      Activity.doNotCompleteOnReturn();
      return "";
    });
    assertTimeout(s, TimeoutType.START_TO_CLOSE, o -> o.setStartToCloseTimeout(Duration.ofSeconds(1)), "ActivityTaskStarted");
  }

  @Test
  void anActivityTimesOutWithoutHeartbeats(Scenario s) {
    s.activities((Contracts.Step) input -> {
      Activity.doNotCompleteOnReturn();
      return "";
    });
    assertTimeout(s, TimeoutType.HEARTBEAT, o -> o.setHeartbeatTimeout(Duration.ofSeconds(1)), "ActivityTaskStarted");
  }

  @Test
  void anActivityTimesOutWithoutWorker(Scenario s) {
    String nobody = s.taskList + "-nobody";
    assertTimeout(s, TimeoutType.SCHEDULE_TO_START, o -> o.setTaskList(nobody).setScheduleToStartTimeout(Duration.ofSeconds(1)), "");
  }

  private static void assertTimeout(
      Scenario s, TimeoutType type, java.util.function.Consumer<com.uber.cadence.activity.ActivityOptions.Builder> options, String before) {
    s.flow((self, input) -> {
      try {
        return steps(options).step(input);
      } catch (ActivityTimeoutException e) {
        return e.getTimeoutType().name();
      }
    }).work();
    WorkflowStub run = s.start("");
    assertEquals(type.name(), result(run));
    s.expectHistory(run, "Begin ActivityTaskScheduled " + before + " ActivityTaskTimedOut Decide Complete");
  }

  @Test
  void anActivityIsCompletedByItsToken(Scenario s) {
    CompletableFuture<byte[]> token = new CompletableFuture<>();
    s.activities((Contracts.Step) input -> {
      token.complete(Activity.getTaskToken());
      Activity.doNotCompleteOnReturn();
      return "ignored";
    });
    s.flow((self, input) -> steps().step(input)).work();
    WorkflowStub run = s.start("");
    ActivityCompletionClient completion = s.client.newActivityCompletionClient();
    completion.heartbeat(token.join(), "alive");
    completion.complete(token.join(), "from outside");
    assertEquals("from outside", result(run));
    assertThrows(ActivityNotExistsException.class, () -> completion.complete(token.join(), "twice"));
    s.expectHistory(run, "Begin ActivityOK Decide Complete");
  }

  @Test
  void anActivityIsCompletedByItsId(Scenario s) {
    CompletableFuture<String> id = new CompletableFuture<>();
    s.activities((Contracts.Step) input -> {
      id.complete(Activity.getTask().getActivityId());
      Activity.doNotCompleteOnReturn();
      return "ignored";
    });
    s.flow((self, input) -> steps().step(input)).work();
    WorkflowStub run = s.start("");
    WorkflowExecution execution = new WorkflowExecution().setWorkflowId(run.getExecution().getWorkflowId()).setRunId(run.getExecution().getRunId());
    String activityId = id.join();
    ActivityCompletionClient completion = s.client.newActivityCompletionClient();
    completion.complete(execution, activityId, "by id");
    assertEquals("by id", result(run));
    s.expectHistory(run, "Begin ActivityOK Decide Complete");
  }

  @Test
  void anActivityIsFailedFromOutside(Scenario s) {
    CompletableFuture<byte[]> token = new CompletableFuture<>();
    s.activities((Contracts.Step) input -> {
      token.complete(Activity.getTaskToken());
      Activity.doNotCompleteOnReturn();
      return "ignored";
    });
    s.flow((self, input) -> {
      try {
        return steps().step(input);
      } catch (ActivityFailureException e) {
        return e.getCause().getMessage();
      }
    }).work();
    WorkflowStub run = s.start("");
    s.client.newActivityCompletionClient().completeExceptionally(token.join(), new IllegalStateException("from outside"));
    assertEquals("from outside", result(run));
    s.expectHistory(run, "Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskFailed Decide Complete");
  }

  @Test
  void aHeartbeatTellsTheActivityOfItsCancellation(Scenario s) {
    CompletableFuture<String> seen = new CompletableFuture<>();
    s.activities((Contracts.Step) input -> {
      try {
        while (true) {
          Activity.heartbeat("beat");
          Scenario.pause();
        }
      } catch (ActivityCancelledException e) {
        seen.complete("canceled");
        throw e;
      }
    });
    s.flow((self, input) -> {
      CancellationScope scope = Workflow.newCancellationScope(() -> self.told.add("" + Async.function(steps(o -> o.setHeartbeatTimeout(Duration.ofSeconds(2)))::step, "")));
      scope.run();
      Workflow.await(() -> self.told.contains("cancel"));
      scope.cancel();
      Workflow.await(() -> self.told.contains("end"));
      return "ended";
    }).work();
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.ActivityTaskScheduled);
    run.signal("tell", "cancel");
    assertEquals("canceled", seen.join());
    s.untilEvent(run, EventType.ActivityTaskCanceled);
    run.signal("tell", "end");
    assertEquals("ended", result(run));
  }

  @Test
  void aCanceledWorkflowCancelsItsActivity(Scenario s) {
    s.activities((Contracts.Step) input -> {
      while (true) {
        Activity.heartbeat("beat");
        Scenario.pause();
      }
    });
    s.flow((self, input) -> steps(o -> o.setHeartbeatTimeout(Duration.ofSeconds(2))).step(input)).work();
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.ActivityTaskScheduled);
    run.cancel();
    assertInstanceOf(CancellationException.class, assertThrows(CancellationException.class, () -> result(run)));
    s.expectHistory(
        run,
        "Begin ActivityTaskScheduled ActivityTaskStarted? WorkflowExecutionCancelRequested Decide ActivityTaskCancelRequested ActivityTaskStarted? ActivityTaskCanceled Decide WorkflowExecutionCanceled");
  }

  @Test
  void aSagaCompensatesInReverse(Scenario s) {
    List<String> done = Collections.synchronizedList(new ArrayList<>());
    s.activities((Contracts.Step) input -> {
      if (input.equals("fly")) throw new IllegalStateException("no seat");
      done.add(input);
      return input;
    });
    s.flow((self, input) -> {
      Saga saga = new Saga(new Saga.Options.Builder().setParallelCompensation(false).build());
      try {
        for (String each : List.of("car", "hotel", "fly")) {
          steps().step(each);
          saga.addCompensation(steps()::step, "cancel " + each);
        }
        return "booked";
      } catch (ActivityFailureException e) {
        saga.compensate();
        return e.getCause().getMessage();
      }
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("no seat", result(run));
    assertEquals(List.of("car", "hotel", "cancel hotel", "cancel car"), done);
    s.expectHistory(
        run, "Begin (ActivityOK Decide){2} ActivityTaskScheduled ActivityTaskStarted ActivityTaskFailed Decide (ActivityOK Decide){2} Complete");
  }
}
