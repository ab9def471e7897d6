"""EventBridge Scheduler: schedules that call functions as their role when the cloud's clock comes to their time."""
