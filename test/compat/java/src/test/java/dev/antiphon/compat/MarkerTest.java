package dev.antiphon.compat;

import static dev.antiphon.compat.Scenario.ofType;
import static dev.antiphon.compat.Scenario.result;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.uber.cadence.EventType;
import com.uber.cadence.activity.LocalActivityOptions;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.common.RetryOptions;
import com.uber.cadence.workflow.ActivityFailureException;
import com.uber.cadence.workflow.Async;
import com.uber.cadence.workflow.CancellationScope;
import com.uber.cadence.workflow.Promise;
import com.uber.cadence.workflow.Workflow;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a workflow decides without activities: timers, and what it records in markers. */
@ExtendWith(Scenario.Extension.class)
class MarkerTest {
  private static List<String> markers(Scenario s, WorkflowStub run) {
    return ofType(s.history(run.getExecution()), EventType.MarkerRecorded).stream().map(e -> e.getMarkerRecordedEventAttributes().getMarkerName()).toList();
  }

  @Test
  void aTimerFires(Scenario s) {
    s.flow((self, input) -> {
      long before = Workflow.currentTimeMillis();
      Workflow.sleep(Duration.ofSeconds(1));
      return String.valueOf(Workflow.currentTimeMillis() - before >= 1000);
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("true", result(run));
    s.expectHistory(run, "Begin TimerStarted TimerFired Decide Complete");
  }

  @Test
  // The client keeps one timer at the server, for the earliest of its own.
  void theFirstOfTwoTimersWins(Scenario s) {
    s.flow((self, input) -> {
      Promise<String> quick = Workflow.newTimer(Duration.ofSeconds(1)).thenApply(none -> "quick");
      Promise<?>[] slow = new Promise<?>[1];
      CancellationScope scope = Workflow.newCancellationScope(() -> slow[0] = Workflow.newTimer(Duration.ofSeconds(30)));
      scope.run();
      Promise.anyOf(quick, slow[0]).get();
      scope.cancel();
      return quick.get();
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("quick", result(run));
    s.expectHistory(run, "Begin TimerStarted TimerFired Decide Complete");
  }

  @Test
  void anAwaitGivesUpAfterItsTimeout(Scenario s) {
    s.flow((self, input) -> String.valueOf(Workflow.await(Duration.ofSeconds(1), () -> !self.told.isEmpty()))).work();
    WorkflowStub run = s.start("");
    assertEquals("false", result(run));
    s.expectHistory(run, "Begin TimerStarted TimerFired Decide Complete");
  }

  @Test
  void aSideEffectIsRecordedOnce(Scenario s) {
    AtomicInteger calls = new AtomicInteger();
    s.flow((self, input) -> {
      int value = Workflow.sideEffect(Integer.class, calls::incrementAndGet);
      Workflow.sleep(Duration.ofSeconds(1));
      return String.valueOf(value);
    }).work(o -> o.setDisableStickyExecution(true));
    WorkflowStub run = s.start("");
    assertEquals("1", result(run));
    assertEquals(1, calls.get());
    assertEquals(List.of("SideEffect"), markers(s, run));
    s.expectHistory(run, "Begin MarkerRecorded TimerStarted TimerFired Decide Complete");
  }

  @Test
  void aMutableSideEffectRecordsChangesOnly(Scenario s) {
    s.flow((self, input) -> {
      StringBuilder seen = new StringBuilder();
      for (int value : new int[] {1, 1, 2, 2}) seen.append(Workflow.mutableSideEffect("id", Integer.class, (old, now) -> !old.equals(now), () -> value));
      Workflow.sleep(Duration.ofSeconds(1));
      return seen.toString();
    }).work(o -> o.setDisableStickyExecution(true));
    WorkflowStub run = s.start("");
    assertEquals("1122", result(run));
    assertEquals(List.of("MutableSideEffect", "MutableSideEffect"), markers(s, run));
  }

  @Test
  void aVersionIsTheHighestThatTheRunBeganWith(Scenario s) {
    s.flow((self, input) -> {
      int first = Workflow.getVersion("change", Workflow.DEFAULT_VERSION, 2);
      Workflow.sleep(Duration.ofSeconds(1));
      return first + " " + Workflow.getVersion("change", Workflow.DEFAULT_VERSION, 2);
    }).work(o -> o.setDisableStickyExecution(true));
    WorkflowStub run = s.start("");
    assertEquals("2 2", result(run));
    assertEquals(List.of("Version"), markers(s, run));
  }

  @Test
  void codeAddedToARunningWorkflowGetsTheDefaultVersion(Scenario s) {
    s.flow((self, input) -> {
      Workflow.await(() -> !self.told.isEmpty());
      return "old code";
    });
    var old = s.work(o -> o.setDisableStickyExecution(true));
    WorkflowStub run = s.start("");
    s.untilEvent(run, EventType.DecisionTaskCompleted);
    Scenario.stop(old);
    s.replaceFlow((self, input) -> {
      int version = Workflow.getVersion("added", Workflow.DEFAULT_VERSION, 1);
      Workflow.await(() -> !self.told.isEmpty());
      return "version " + version + " then " + Workflow.getVersion("later", Workflow.DEFAULT_VERSION, 1);
    });
    s.work(o -> o.setDisableStickyExecution(true));
    run.signal("tell", "go");
    assertEquals("version -1 then 1", result(run));
  }

  @Test
  void aLocalActivityIsAMarker(Scenario s) {
    s.activities((Contracts.Step) input -> "local " + input);
    s.flow((self, input) -> local(null).step(input)).work();
    WorkflowStub run = s.start("step");
    assertEquals("local step", result(run));
    assertEquals(List.of("LocalActivity"), markers(s, run));
    s.expectHistory(run, "Begin MarkerRecorded Complete");
  }

  @Test
  void aLocalActivityIsRetried(Scenario s) {
    AtomicInteger calls = new AtomicInteger();
    s.activities((Contracts.Step) input -> {
      if (calls.incrementAndGet() < 3) throw new IllegalStateException("call " + calls.get());
      return "call " + calls.get();
    });
    RetryOptions retries = new RetryOptions.Builder().setInitialInterval(Duration.ofMillis(100)).setBackoffCoefficient(1).setMaximumAttempts(5).build();
    s.flow((self, input) -> local(retries).step(input)).work();
    WorkflowStub run = s.start("");
    assertEquals("call 3", result(run));
    assertEquals(List.of("LocalActivity"), markers(s, run));
  }

  @Test
  void aFailedLocalActivityFailsInItsWorkflow(Scenario s) {
    s.activities((Contracts.Step) input -> {
      throw new IllegalStateException("local failure");
    });
    s.flow((self, input) -> {
      try {
        return local(null).step(input);
      } catch (ActivityFailureException e) {
        return e.getCause().getMessage();
      }
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("local failure", result(run));
    s.expectHistory(run, "Begin MarkerRecorded Complete");
  }

  @Test
  void aPromiseRunsBesideTheMainThread(Scenario s) {
    s.flow((self, input) -> {
      Promise<String> beside = Async.function(() -> {
        Workflow.sleep(Duration.ofSeconds(1));
        return "beside";
      });
      return "main and " + beside.get();
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("main and beside", result(run));
    s.expectHistory(run, "Begin TimerStarted TimerFired Decide Complete");
  }

  private static Contracts.Step local(RetryOptions retries) {
    LocalActivityOptions.Builder options = new LocalActivityOptions.Builder().setScheduleToCloseTimeout(Duration.ofSeconds(10));
    if (retries != null) options.setRetryOptions(retries);
    return Workflow.newLocalActivityStub(Contracts.Step.class, options.build());
  }
}
