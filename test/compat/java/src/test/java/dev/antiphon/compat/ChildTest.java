package dev.antiphon.compat;

import static dev.antiphon.compat.Scenario.only;
import static dev.antiphon.compat.Scenario.result;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.uber.cadence.EventType;
import com.uber.cadence.ParentClosePolicy;
import com.uber.cadence.WorkflowExecution;
import com.uber.cadence.client.WorkflowStub;
import com.uber.cadence.client.WorkflowTerminatedException;
import com.uber.cadence.workflow.Async;
import com.uber.cadence.workflow.ChildWorkflowFailureException;
import com.uber.cadence.workflow.ChildWorkflowOptions;
import com.uber.cadence.workflow.Promise;
import com.uber.cadence.workflow.StartChildWorkflowFailedException;
import com.uber.cadence.workflow.Workflow;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Child workflows: ends, and what the parent's end does to them. */
@ExtendWith(Scenario.Extension.class)
class ChildTest {
  private static final String STARTED =
      "Begin StartChildWorkflowExecutionInitiated ChildWorkflowExecutionStarted Decide ";

  private static ChildWorkflowOptions.Builder childOptions() {
    return new ChildWorkflowOptions.Builder()
        .setExecutionStartToCloseTimeout(Duration.ofSeconds(30))
        .setTaskStartToCloseTimeout(Duration.ofSeconds(10));
  }

  private static Contracts.Child child() {
    return Workflow.newChildWorkflowStub(Contracts.Child.class, childOptions().build());
  }

  @Test
  void aChildReturnsItsResult(Scenario s) {
    s.child((self, input) -> "child of " + input).flow((self, input) -> child().run(input)).work();
    WorkflowStub run = s.start("parent");
    assertEquals("child of parent", result(run));
    var started = only(s.expectHistory(run, "Begin StartChildWorkflowExecutionInitiated ChildWorkflowExecutionStarted (Decide)? ChildWorkflowExecutionCompleted Decide Complete"),
            EventType.ChildWorkflowExecutionStarted)
        .getChildWorkflowExecutionStartedEventAttributes();
    assertEquals("Child::run", started.getWorkflowType().getName());
    var first = s.expectHistory(started.getWorkflowExecution(), "Begin Complete").get(0).getWorkflowExecutionStartedEventAttributes();
    assertEquals(run.getExecution().getRunId(), first.getParentWorkflowExecution().getRunId());
  }

  @Test
  void aFailedChildFailsInItsParentWithItsCause(Scenario s) {
    s.child((self, input) -> {
      throw new IllegalArgumentException("bad " + input);
    });
    s.flow((self, input) -> {
      try {
        return child().run("luck");
      } catch (ChildWorkflowFailureException e) {
        return e.getCause().getClass().getSimpleName() + ": " + e.getCause().getMessage();
      }
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("IllegalArgumentException: bad luck", result(run));
    s.expectHistory(run, "Begin StartChildWorkflowExecutionInitiated ChildWorkflowExecutionStarted (Decide)? ChildWorkflowExecutionFailed Decide Complete");
  }

  @Test
  void aParentSignalsItsChild(Scenario s) {
    s.child((self, input) -> {
      Workflow.await(() -> !self.told.isEmpty());
      return "heard " + self.told.get(0);
    });
    s.flow((self, input) -> {
      Contracts.Child child = child();
      Promise<String> end = Async.function(child::run, "");
      Workflow.getWorkflowExecution(child).get();
      child.tell("the word");
      return end.get();
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("heard the word", result(run));
    var signal = only(s.history(run.getExecution()), EventType.SignalExternalWorkflowExecutionInitiated);
    assertEquals("Child::tell", signal.getSignalExternalWorkflowExecutionInitiatedEventAttributes().getSignalName());
  }

  @Test
  void aRunningChildIdIsRefused(Scenario s) {
    String id = "child-" + UUID.randomUUID();
    s.child((self, input) -> {
      Workflow.await(() -> !self.told.isEmpty());
      return "";
    });
    s.flow((self, input) -> {
      Contracts.Child one = Workflow.newChildWorkflowStub(Contracts.Child.class, childOptions().setWorkflowId(id).build());
      Contracts.Child two = Workflow.newChildWorkflowStub(Contracts.Child.class, childOptions().setWorkflowId(id).build());
      Promise<String> first = Async.function(one::run, "");
      Workflow.getWorkflowExecution(one).get();
      try {
        two.run("");
        return "started twice";
      } catch (StartChildWorkflowFailedException e) {
        one.tell("end");
        first.get();
        return e.getFailureCause().name();
      }
    }).work();
    WorkflowStub run = s.start("");
    assertEquals("WORKFLOW_ALREADY_RUNNING", result(run));
    only(s.history(run.getExecution()), EventType.StartChildWorkflowExecutionFailed);
  }

  /** Lets a parent end while its child waits, and returns the child. */
  private static WorkflowExecution orphan(Scenario s, ParentClosePolicy policy) {
    s.child((self, input) -> {
      Workflow.await(() -> !self.told.isEmpty());
      return "lived on";
    });
    s.flow((self, input) -> {
      Contracts.Child child = Workflow.newChildWorkflowStub(Contracts.Child.class, childOptions().setParentClosePolicy(policy).build());
      Async.function(child::run, "");
      return Workflow.getWorkflowExecution(child).get().getWorkflowId();
    }).work();
    WorkflowStub run = s.start("");
    result(run);
    return only(s.expectHistory(run, STARTED + "Complete"), EventType.ChildWorkflowExecutionStarted)
        .getChildWorkflowExecutionStartedEventAttributes()
        .getWorkflowExecution();
  }

  @Test
  void anAbandonedChildLivesOn(Scenario s) {
    WorkflowStub child = s.existing(orphan(s, ParentClosePolicy.ABANDON));
    child.signal("Child::tell", "end");
    assertEquals("lived on", result(child));
  }

  @Test
  void aChildEndsWithItsParentByTermination(Scenario s) {
    WorkflowExecution child = orphan(s, ParentClosePolicy.TERMINATE);
    assertThrows(WorkflowTerminatedException.class, () -> result(s.existing(child)));
    var closed = only(s.history(child), EventType.WorkflowExecutionTerminated).getWorkflowExecutionTerminatedEventAttributes();
    assertEquals("by parent close policy", closed.getReason());
  }

  @Test
  void aChildIsAskedToCancelWhenItsParentEnds(Scenario s) {
    WorkflowExecution child = orphan(s, ParentClosePolicy.REQUEST_CANCEL);
    assertThrows(CancellationException.class, () -> result(s.existing(child)));
    only(s.history(child), EventType.WorkflowExecutionCancelRequested);
  }
}
