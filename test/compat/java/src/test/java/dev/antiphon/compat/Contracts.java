package dev.antiphon.compat;

import com.uber.cadence.activity.ActivityMethod;
import com.uber.cadence.workflow.QueryMethod;
import com.uber.cadence.workflow.SignalMethod;
import com.uber.cadence.workflow.WorkflowMethod;
import java.util.ArrayList;
import java.util.List;

/** The workflow and activity types of the scenarios. What they do, each scenario says itself. */
final class Contracts {
  private Contracts() {}

  /** A workflow that takes signals and answers a query. */
  public interface Flow {
    @WorkflowMethod(name = "Flow")
    String run(String input);

    @SignalMethod(name = "tell")
    void tell(String word);

    @QueryMethod(name = "state")
    String state();
  }

  /** A second type, with the names that the client makes up, for children. */
  public interface Child {
    @WorkflowMethod
    String run(String input);

    @SignalMethod
    void tell(String word);
  }

  public interface Step {
    @ActivityMethod(name = "step")
    String step(String input);
  }

  /** Two arguments, which the Java client sends as one JSON array, and the name that the client makes up. */
  public interface Join {
    String join(String left, int right);
  }

  /** What a running Flow or Child knows: the signals so far, and what the query answers. */
  public static final class Self {
    public final List<String> told = new ArrayList<>();
    public String state = "";
  }

  /** The code of a Flow or Child. */
  public interface Code {
    String run(Self self, String input) throws Exception;
  }

  static final class FlowOf implements Flow {
    private final Self self = new Self();
    private final Code code;

    FlowOf(Code code) {
      this.code = code;
    }

    @Override
    public String run(String input) {
      return Contracts.run(code, self, input);
    }

    @Override
    public void tell(String word) {
      self.told.add(word);
    }

    @Override
    public String state() {
      return self.state;
    }
  }

  static final class ChildOf implements Child {
    private final Self self = new Self();
    private final Code code;

    ChildOf(Code code) {
      this.code = code;
    }

    @Override
    public String run(String input) {
      return Contracts.run(code, self, input);
    }

    @Override
    public void tell(String word) {
      self.told.add(word);
    }
  }

  private static String run(Code code, Self self, String input) {
    try {
      return code.run(self, input);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw com.uber.cadence.workflow.Workflow.wrap(e);
    }
  }
}
